package supervisor

import (
	"github.com/procpool/procpool/event"
	"github.com/procpool/procpool/internal/lifecycle"
)

// judgeSoon has Config.When asked about the worker, which has just answered a task. Questions are put one at a time, on a
// goroutine of the supervisor's; a worker has one waiting at most, so tasks that are answered while it waits share it.
func (w *worker) judgeSoon() {
	if w.s.cfg.When != nil && !w.link.judged.Swap(true) {
		w.s.judge.Put(w)
	}
}

// judge asks Config.When.
func (w *worker) judge() {
	w.link.judged.Store(false) // before the look: a task answered from now on is another question
	w.measure()
	if w.when() {
		w.s.post(lifecycle.Asked{ID: w.id, Reason: event.ReasonAsked, Later: true})
	}
}

// when calls Config.When, which may panic.
func (w *worker) when() (leave bool) {
	defer func() {
		if v := recover(); v != nil {
			w.s.cfg.Panicked(v)
		}
	}()
	w.mu.Lock()
	state := w.state
	w.mu.Unlock()
	return w.s.cfg.When(w.info(lifecycle.Info{ID: w.id, State: state, Spawned: w.born}))
}
