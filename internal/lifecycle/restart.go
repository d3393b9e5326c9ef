package lifecycle

import (
	"errors"
	"fmt"
	"time"

	"github.com/procpool/procpool/event"
)

// restart is what the pool remembers about failed starts.
//
// A row is broken only by a start that turned out good: the worker started a task, or stayed for as long as the longest
// backoff. To become ready is not enough, else workers that die right after it would be replaced without end. But ready is
// enough to close the circuit, for while it is open no task comes that could be started.
type restart struct {
	row     int         // failed starts in a row, counted by rounds
	round   ID          // the youngest worker when row was counted last
	holds   []time.Time // a failed start keeps one worker from being spawned until then
	err     error       // of the last failed start
	tripped bool        // row reached the limit: one start at a time, one backoff apart
	probeAt time.Time   // the next one
	open    bool        // and nobody can serve: tasks fail
}

// good notes that the worker's start was a good one.
func (r *restart) good(w *worker) {
	if !w.proven {
		w.proven, r.row = true, 0
		r.tripped = r.open
	}
}

// prove looks for good starts, while that makes a difference.
func (f *Fleet) prove() {
	if f.restart.row == 0 {
		return
	}
	for _, w := range f.workers {
		if !w.ready() || w.proven || w.killed {
			continue
		}
		stays := w.readyAt.Add(f.cfg.Restart.MaxBackoff)
		if f.use(w).Tasks > 0 || !f.now.Before(stays) {
			f.restart.good(w)
		} else {
			f.wake(stays)
		}
	}
}

// startFailed counts by rounds: workers that were spawned before the last failure was known say nothing about the retry.
// So a pool of many gets as many retries as a pool of one, and when all idle workers are killed at once, that is one.
func (f *Fleet) startFailed(w *worker, err error) {
	r := &f.restart
	if r.row == 0 {
		f.proveOld()
	}
	if w.id > r.round {
		r.row++
		r.round = f.last
	}
	if err == nil {
		err = errors.New("exited before its first task")
	}
	r.err = err
	wait := f.backoff(max(1, r.row))
	at := f.now.Add(wait)
	r.holds = append(r.holds, at)
	if limit := f.cfg.Restart.MaxFailures; limit >= 0 && r.row >= limit {
		r.tripped, r.probeAt = true, at
	}
	f.tell(event.WorkerStartFailed{At: event.At{Time: f.now}, Worker: f.name(w.id), Err: err, Row: r.row, Backoff: wait})
}

// proveOld marks, before a row begins, those who can not break it, since their good start was earlier.
func (f *Fleet) proveOld() {
	for _, w := range f.workers {
		w.proven = w.proven || w.ready()
	}
}

// backoff doubles with each failure; up to a quarter is cut at random, so that pools do not retry in step.
func (f *Fleet) backoff(row int) time.Duration {
	d, longest := f.cfg.Restart.Backoff, f.cfg.Restart.MaxBackoff
	for ; row > 1 && d < longest; row-- {
		d *= 2
	}
	d = min(d, longest)
	return d - time.Duration(f.rand()*float64(d)/4)
}

// allowed is how many of n workers may be spawned now, and whether that is a probe.
func (f *Fleet) allowed(n int, c census) (int, bool) {
	r := &f.restart
	for len(r.holds) > 0 && !f.now.Before(earliest(r.holds)) {
		r.holds = drop(r.holds, earliest(r.holds))
	}
	switch {
	case n <= 0:
		return 0, false
	case !r.tripped:
		if len(r.holds) > 0 {
			f.wake(earliest(r.holds))
		}
		return n - len(r.holds), false
	case c.starting > 0:
		return 0, true
	case f.now.Before(r.probeAt):
		f.wake(r.probeAt)
		return 0, true
	}
	return 1, true
}

// breaker opens the circuit when starts fail and there is nobody left who could serve. While there is, tasks go on. A pool
// scaled to zero does not probe, so there the next task tries.
func (f *Fleet) breaker() {
	r := &f.restart
	c := f.count()
	if f.target == 0 {
		f.heal()
	}
	if !r.tripped || r.open || c.up+c.upSpares > 0 || f.terminated || f.closed && f.demand.Queued == 0 {
		return
	}
	r.open = true
	f.do(Fail{r.err, r.row})
	f.tell(event.CircuitOpened{At: event.At{Time: f.now}, Err: r.err})
}

func (f *Fleet) heal() {
	r := &f.restart
	r.tripped = false
	if r.open {
		r.open = false
		f.do(Heal{})
		f.tell(event.CircuitClosed{At: event.At{Time: f.now}})
	}
}

// timeouts kills workers that are not ready in time.
func (f *Fleet) timeouts() {
	if f.cfg.StartTimeout <= 0 {
		return
	}
	for _, w := range f.workers {
		if w.ready() || w.stopping {
			continue
		}
		if at := w.spawned.Add(f.cfg.StartTimeout); f.now.Before(at) {
			f.wake(at)
			continue
		}
		w.failing = !w.planned
		f.kill(w, event.ReasonStartFailed, event.Figures{Age: f.now.Sub(w.spawned)})
	}
}

// late explains the exit of a worker that was killed because it was not ready in time.
func (f *Fleet) late(w *worker, err error) error {
	if w.reason != event.ReasonStartFailed {
		return err
	}
	if err == nil {
		return fmt.Errorf("not ready within %v", f.cfg.StartTimeout)
	}
	return fmt.Errorf("not ready within %v: %w", f.cfg.StartTimeout, err)
}
