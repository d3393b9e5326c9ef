//go:build unix

package main

import (
	"github.com/procpool/procpool"
	"github.com/procpool/procpool/event"
)

// witness keeps an account of its own, from the pool's events.
type witness struct {
	ledger  *ledger
	tasks   map[uint64]tale
	workers map[string]int // spawned less exited
	dropped uint64
	ok      uint64
	failed  uint64
	gone    uint64 // canceled
	queued  uint64
	retried uint64
	back    uint64
}

// tale is what was told of a task.
type tale struct{ queued, over bool }

func newWitness(l *ledger) *witness {
	return &witness{ledger: l, tasks: map[uint64]tale{}, workers: map[string]int{}}
}

// see takes in one event. The pool calls it in order.
func (w *witness) see(e event.Event) {
	switch e := e.(type) {
	case event.TaskQueued:
		w.queued++
		w.tell(e.Task.ID, e, func(t *tale) bool { was := t.queued; t.queued = true; return !was })
	case event.TaskStarted:
		w.tell(e.Task.ID, e, func(t *tale) bool { return t.queued && !t.over })
	case event.TaskRequeued:
		w.back++
		w.tell(e.Task.ID, e, func(t *tale) bool { return t.queued && !t.over })
	case event.TaskRetried:
		w.retried++
		w.tell(e.Task.ID, e, func(t *tale) bool { return t.queued && !t.over })
	case event.TaskFinished:
		if e.Err == nil {
			w.ok++
		} else {
			w.failed++
		}
		w.end(e.Task.ID, e)
	case event.TaskCanceled:
		w.gone++
		w.end(e.Task.ID, e)
	case event.WorkerSpawned:
		w.workers[e.Worker.Name]++
	case event.WorkerExited:
		w.workers[e.Worker.Name]--
	case event.Dropped:
		w.dropped += e.Count
	case event.CallbackPanicked:
		w.ledger.fault("a callback panicked: %v\n%s", e.Value, e.Stack)
	}
}

func (w *witness) end(id uint64, e event.Event) {
	w.tell(id, e, func(t *tale) bool { was := t.over; t.over = true; return t.queued && !was })
}

func (w *witness) tell(id uint64, e event.Event, fits func(*tale) bool) {
	t := w.tasks[id]
	if !fits(&t) && w.dropped == 0 {
		w.ledger.fault("the event %T %+v does not fit to what was told before: %+v", e, e, t)
	}
	w.tasks[id] = t
}

// compare compares the account with the pool's.
func (w *witness) compare(st procpool.Stats) {
	if w.dropped > 0 {
		return
	}
	l := w.ledger
	if w.queued != st.Submitted || w.ok != st.Succeeded || w.failed != st.Failed || w.gone != st.Canceled ||
		w.retried != st.Retried || w.back != st.Requeued {
		l.fault("events tell of %d queued, %d succeeded, %d failed, %d canceled, %d retried, %d requeued; the pool of %+v",
			w.queued, w.ok, w.failed, w.gone, w.retried, w.back, st)
	}
	for id, t := range w.tasks {
		if !t.over {
			l.fault("the events do not tell how task %d of the pool ended: %+v", id, t)
		}
	}
	for name, n := range w.workers {
		if n != 0 {
			l.fault("worker %s was told to be spawned or gone once too often: %d", name, n)
		}
	}
}
