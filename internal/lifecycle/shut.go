package lifecycle

import "github.com/procpool/procpool/event"

// unserved is, after Close, how many more workers the waiting tasks need. One without budget is good for at least one.
// What is left of a budget is asked for: the queue is as it is now, and the last Progress may be long ago.
func (f *Fleet) unserved() int {
	need := f.demand.Queued
	for _, w := range f.workers {
		if w.serving() {
			need -= max(1, min(w.left, w.budget-f.use(w).Handed))
		}
	}
	each := max(1, f.cfg.MaxTasks)
	return max(0, need+each-1) / each
}

// finish retires everyone when the pool is closed and nothing waits.
func (f *Fleet) finish() {
	if !f.closed || f.terminated || f.demand.Queued > 0 {
		return
	}
	for _, w := range f.workers {
		f.retire(w, event.ReasonClosed, f.worked(w))
	}
}

func (f *Fleet) terminate() {
	f.terminated = true
	for _, w := range f.workers {
		w.planned = true
		if !w.killed {
			f.kill(w, event.ReasonTerminated, event.Figures{})
		}
	}
}

// end tells that all is over.
func (f *Fleet) end() {
	over := f.terminated || f.closed && f.demand.Queued == 0
	if over && len(f.workers) == 0 {
		f.done = true
		f.do(Done{})
	}
}
