package supervisor

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/procpool/procpool/internal/queue"
)

// patrolPeriod is how long the first task of a window may run before the others are taken back.
const patrolPeriod = time.Millisecond

// patrol looks at all links, as often as its period says, while it has to look again. A pool has three: one looks after
// windows that hold more than one task: when the first takes long, the others are taken back and run elsewhere. One looks for
// workers that are deaf, and one relieves those that are stuck.
type patrol struct {
	period time.Duration
	look   func() (again bool)

	armed atomic.Bool
	mu    sync.Mutex
	timer *time.Timer
	done  bool
}

// arm makes the patrol look, one period from now. It is called under link.mu, or the queue's lock.
func (p *patrol) arm() {
	if p.armed.Load() || p.armed.Swap(true) {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.done:
	case p.timer == nil:
		p.timer = time.AfterFunc(p.period, p.walk)
	default:
		p.timer.Reset(p.period)
	}
}

func (p *patrol) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done = true
	if p.timer != nil {
		p.timer.Stop()
	}
}

// walk runs on the timer's goroutine.
func (p *patrol) walk() {
	p.armed.Store(false)
	if p.look() {
		p.arm()
	}
}

// each looks at every link. It reports whether one of them wants to be looked at again.
func (s *Supervisor) each(look func(*link) (again bool)) (again bool) {
	for _, w := range s.list() {
		again = look(w.link) || again
	}
	return again
}

// lookAhead takes back what waits behind a task that runs longer than a period. It reports whether it should be called
// again.
func (l *link) lookAhead() (again bool) {
	l.mu.Lock()
	waits := l.flight.len() > 0 && !l.blocked && !l.ended
	behind := l.flight.len() > 1
	due := l.w.s.cfg.Clock()-l.since >= patrolPeriod
	l.mu.Unlock()
	if !waits || !behind && l.w.isReady() {
		return false
	}
	// What a worker was given before it is ready is left to it, unless another could run it now.
	if !due || !behind && !l.q.Resting() {
		return true
	}
	l.takeBack()
	return false
}

// takeBack returns to the queue what the worker has been sent and has not claimed, if it is not blocked.
func (l *link) takeBack() {
	if back, ok := l.revoke(); ok {
		l.requeue(back)
		l.takers.Done()
	}
}

// revoke takes back what the worker has been sent and has not claimed. It reports whether it has: then the caller is one of
// the takers until that is in the queue. One goroutine at a time does. The board has one word for what is revoked: who were
// late, with a lower number, would let the worker run what somebody else has just taken. And who finds the worker blocked can
// rely on it that nothing is to be taken any more.
func (l *link) revoke() (back []queue.Entry, ok bool) {
	<-l.revoking
	defer func() { l.revoking <- struct{}{} }()
	l.mu.Lock()
	if l.blocked || l.ended {
		l.mu.Unlock()
		return nil, false
	}
	l.blocked = true // nothing is sent until the next answer
	l.q.Block(&l.seat)
	last := l.seq
	l.revoked.Store(last)
	fenced := l.fenced
	l.takers.Add(1) // before end waits for it
	l.mu.Unlock()

	claimed, done := l.board.Revoke(last, fenced) // may take milliseconds where claims are not fenced
	// Now, as nobody looks ahead again: no answer from before the claimed call may stay unseen behind it.
	l.conn.Nudge()

	if done && claimed > l.lastSent() { // it may have answered, and been sent more, in the meantime
		l.w.misbehaved(nonsense("its board says that it claimed call %d, which it was never given", claimed))
	}
	if done {
		l.mu.Lock()
		back = l.flight.take(claimed, last)
		l.mu.Unlock()
	}
	l.unblockEmpty()
	return back, true
}

// lastSent returns the number of the last call that the worker was sent.
func (l *link) lastSent() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.seq
}

// unblockEmpty unblocks a worker that owes no answer: it has answered everything in the meantime.
func (l *link) unblockEmpty() {
	l.mu.Lock()
	if l.flight.len() == 0 && l.blocked && !l.condemned {
		l.blocked = false
		l.q.Unblock(&l.seat, l.window)
	}
	l.mu.Unlock()
}

func (l *link) requeue(back []queue.Entry) {
	owners, drained := l.q.Requeue(&l.seat, back, false, l.w.tellBack)
	if drained {
		l.w.drained()
	}
	feedAll(append(owners, l)...)
	l.w.s.Demand()
}
