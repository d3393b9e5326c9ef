package supervisor

import (
	"time"
)

const (
	vigilPeriod = 250 * time.Millisecond // between two looks
	deafAfter   = 4                      // looks for which a worker may leave a task lying
	deafBytes   = 8 << 20                // of an argument, for which it may take one look more
)

// deaf counts for how long a worker has not taken up the first task in flight. A worker that is stopped, or hangs between
// two tasks, would keep that task for ever: a timeout counts from the start, which does not come. So the task is taken
// back and runs elsewhere, and a worker that does not answer even that is ended.
//
// It counts looks and not time, so that a machine that slept has not been waiting.
type deaf struct {
	seq   uint64 // the call; 0: none
	looks int    // at it, in a row
	most  int    // before it is taken back
}

// listen looks for the signs of a deaf worker. It reports whether it should be called again.
func (l *link) listen() (again bool) {
	l.mu.Lock()
	if l.flight.len() == 0 || l.ended || !l.w.isReady() {
		again = l.flight.len() > 0 && !l.ended
		l.deaf = deaf{}
		l.mu.Unlock()
		return again
	}
	started, last := l.board.Started(), l.seq
	looks := l.deaf.countLocked(l, started)
	most := l.deaf.most
	l.mu.Unlock()
	l.conn.Nudge() // it may have been stopped right behind an answer that it has not told of
	switch {
	case started > last:
		l.w.misbehaved(nonsense("its board says that it started call %d, which it was never given", started))
	case looks == 0:
	case looks == most:
		l.takeBack()
	case looks >= most+l.graceLooks():
		l.w.misbehaved(nonsense("it did not take up a call in %v", time.Duration(looks)*vigilPeriod))
	}
	return true
}

// countLocked counts a look at the first in flight, and returns how many there were.
func (d *deaf) countLocked(l *link, started uint64) int {
	first := l.flight.first
	switch {
	case started >= first:
		*d = deaf{}
		return 0
	case d.seq != first:
		*d = deaf{seq: first, most: deafAfter}
		if e := l.flight.front(); e.Call != nil {
			d.most += len(e.Call.Payload(e.Item)) / deafBytes
		}
	}
	d.looks++
	return d.looks
}

// graceLooks is how long a worker has to answer that a task was taken back.
func (l *link) graceLooks() int {
	grace := l.w.s.cfg.Grace
	if grace < 0 {
		grace = leaveAfter
	}
	return deafAfter + int(grace/vigilPeriod)
}
