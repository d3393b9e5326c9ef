package supervisor

import (
	"time"

	"github.com/procpool/procpool/event"
	"github.com/procpool/procpool/internal/queue"
	"github.com/procpool/procpool/internal/wire"
)

// guard stops the first task in flight when it runs past its timeout, or does not stop after it was told to. All its
// fields are guarded by link.mu.
type guard struct {
	link  *link
	timer *time.Timer
	seq   uint64              // the call that it watches; 0: none
	due   time.Time           // when the timer is to fire; what comes earlier was meant for another call
	cause event.Cause         // set once the task was told to stop: what it dies of when the timer fires
	late  *event.TaskTimedOut // to be told once the worker has said what it is doing, or can not any more
	dump  string              // what it said

	unwanted uint64 // calls up to this one may belong to what was canceled
}

// armLocked is called whenever another task may have become the first.
func (g *guard) armLocked() {
	l := g.link
	if l.flight.len() == 0 || l.flight.first != g.seq {
		g.disarmLocked()
	}
	if g.seq != 0 || l.flight.len() == 0 || !l.w.isReady() {
		return
	}
	e := l.flight.front()
	switch {
	case e.Call == nil:
	case l.flight.first <= g.unwanted && l.q.Canceled(e.Call):
		g.cancelLocked()
	default:
		if d := l.w.s.timeout(e.Call.Task); d > 0 {
			g.setLocked(d)
		}
	}
}

func (g *guard) setLocked(d time.Duration) {
	g.seq, g.due = g.link.flight.first, time.Now().Add(d)
	if g.timer == nil {
		g.timer = time.AfterFunc(d, g.fire)
	} else {
		g.timer.Reset(d)
	}
}

func (g *guard) disarmLocked() {
	if g.seq != 0 {
		g.tellLocked("")
		g.seq, g.cause, g.dump = 0, event.CauseNone, ""
		g.timer.Stop()
	}
}

// fire runs on the timer's goroutine.
func (g *guard) fire() {
	l := g.link
	l.mu.Lock()
	if g.seq == 0 || time.Now().Before(g.due) || l.flight.len() == 0 || l.flight.first != g.seq || l.flight.front().Call == nil || l.ended {
		l.mu.Unlock()
		return
	}
	e := l.flight.front().Entry
	seq, cause := g.seq, g.cause
	switch {
	case cause != event.CauseNone:
	case l.board.Started() < g.seq: // the worker has not come to it: its time has not begun
		g.setLocked(l.w.s.timeout(e.Call.Task))
	default:
		g.graceLocked(event.CauseTimedOut)
		g.askLocked(&e)
	}
	if cause != event.CauseNone {
		g.tellLocked("")
	}
	l.mu.Unlock()
	if cause != event.CauseNone {
		l.condemn(seq, cause)
	}
}

// condemn ends the worker because of the call that it runs. Whatever it runs when the signal comes dies with it, so it is
// kept from running anything else first; if it has come further in the meantime, it is spared.
func (l *link) condemn(seq uint64, cause event.Cause) {
	l.mu.Lock()
	l.condemned, l.blocked = true, false
	l.mu.Unlock()
	l.takeBack()
	l.mu.Lock()
	guilty := !l.ended && l.flight.len() > 0 && l.flight.first == seq && l.board.Claimed() == seq
	l.condemned = guilty
	l.mu.Unlock()
	if guilty {
		l.w.doom(cause, "")
		return
	}
	l.unblockEmpty()
	feedAll(l)
}

// graceLocked gives the first task in flight, which has been told to stop, Grace to do so.
func (g *guard) graceLocked(cause event.Cause) {
	g.cause = cause
	g.setLocked(max(g.link.w.s.cfg.Grace, 0))
}

// cancel stops what this worker has of a call that was resolved without it. The task that it runs need not be the first in
// flight: answers of those before may not have been seen yet. Then the guard tells it, once they have.
func (l *link) cancel(c *queue.Call) {
	l.mu.Lock()
	l.guard.unwanted = l.seq
	first, others := false, false
	for seq, r := range l.flight.all() {
		if r.Call != c {
			continue
		}
		started := seq == l.flight.first && l.board.Claimed() >= seq
		first = first || started
		others = others || !started || r.Len() > 1
	}
	l.mu.Unlock()
	if others {
		l.takeBack() // what comes back of a canceled call is dropped
	}
	if first || others {
		l.cancelFirst(c)
	}
}

// cancelFirst tells the worker to stop the task it runs, if that is still the call's.
func (l *link) cancelFirst(c *queue.Call) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended || l.flight.len() == 0 || l.flight.front().Call != c || l.guard.cause != event.CauseNone {
		return
	}
	l.guard.cancelLocked()
}

// cancelLocked tells the worker to stop the first in flight.
func (g *guard) cancelLocked() {
	l := g.link
	l.conn.Control(wire.AppendFrame(nil, wire.Header{Type: wire.Cancel, Seq: l.flight.first}, nil))
	g.graceLocked(event.CauseCanceled)
}

// timeout returns how long an attempt of a task may run; 0: for ever.
func (s *Supervisor) timeout(t *queue.Task) time.Duration {
	if t.Timeout == 0 {
		return s.cfg.TaskTimeout
	}
	return max(t.Timeout, 0)
}

// askLocked asks the worker what it is doing. That the task timed out is told with the answer; without it, when the task
// is answered or its worker is killed.
func (g *guard) askLocked(e *queue.Entry) {
	l := g.link
	g.late = &event.TaskTimedOut{
		At: event.At{Time: time.Now()}, Task: taskOf(e), Worker: l.w.who(), After: l.w.s.timeout(e.Call.Task),
	}
	if !l.dumps {
		g.tellLocked("")
		return
	}
	l.conn.Control(wire.AppendFrame(nil, wire.Header{Type: wire.Dump, Seq: g.seq}, nil))
}

// tellLocked tells what was kept back.
func (g *guard) tellLocked(dump string) {
	if g.late == nil {
		return
	}
	e := *g.late
	e.Dump, g.late = dump, nil
	g.link.w.s.tell(e)
}

// dumped takes in what the worker was doing in call seq when it was asked.
func (l *link) dumped(seq uint64, text []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if g := &l.guard; g.seq == seq && g.late != nil {
		g.dump = string(text[:min(len(text), mostDump)])
		g.tellLocked(g.dump)
	}
}

// mostDump is how much is kept of what a worker says it is doing.
const mostDump = 64 << 10
