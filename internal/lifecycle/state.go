package lifecycle

import (
	"time"

	"github.com/procpool/procpool/event"
)

// worker is one process, from Spawn to its end. It only ages:
//
//	Starting ──ready──▶ Ready ──retired──▶ Draining ──empty──▶ Stopping ──exit──▶ Gone
//	    └───────┬─────────┘ └─────── killed, or a spare ───────────▲               ▲
//	            └────────── exit, at any age: crash, failed start ─────────────────┘
//
// The state is not stored but follows from facts that are only ever added; so it cannot go back. A worker that is retired
// before it was ready stays Starting until it is, and is Draining then.
//
// Beside its state it has a place, or none. Whoever has a place is open for tasks until it is retired, and keeps the place
// until it is empty; if killed, until it is gone. A worker without place that is not leaving is a spare.
type worker struct {
	id      ID
	budget  int // 0: no limit
	spawned time.Time

	// What has happened to it.
	place    bool
	readyAt  time.Time // zero: not yet
	retired  bool      // gets no more tasks
	stopping bool      // was told to leave
	killed   bool
	planned  bool         // the pool wants it to leave, not only its budget
	failing  bool         // killed as a failed start; counted when it is gone
	proven   bool         // its start has counted as a good one
	reason   event.Reason // why it leaves
	why      event.Figures

	// When it should leave.
	due      event.Reason // it should, once a successor is ready and it is its turn; empty: no
	dueWhy   event.Figures
	ages     time.Time     // when it is too old; zero: never
	rests    time.Time     // when to look whether it is idle; zero: never
	left     int           // of its budget, at most
	near     bool          // so little is left that a successor must start
	watch    int           // what the last Watch said; -1: none
	pace     time.Duration // per task; 0: not known
	tasks    int           // run when last measured
	baseline uint64        // resident bytes when first measured after a task
	heavy    bool          // over Memory from the start: replacing would not help
}

func (w *worker) state() event.State {
	switch {
	case w.stopping:
		return event.Stopping
	case !w.ready():
		return event.Starting
	case w.retired:
		return event.Draining
	}
	return event.Ready
}

func (w *worker) ready() bool   { return !w.readyAt.IsZero() }
func (w *worker) leaving() bool { return w.retired || w.stopping }
func (w *worker) serving() bool { return w.place && !w.leaving() }
func (w *worker) spare() bool   { return !w.place && !w.leaving() }

// failed reports whether its exit counts as a failed start. What the pool decided does not; but to have got all the tasks of
// its budget, perhaps before it was ready, is no decision.
func (w *worker) failed(started int, underTask bool) bool {
	switch {
	case w.failing:
		return true
	case w.planned || w.reason == event.ReasonTimedOut || w.reason == event.ReasonCanceled:
		return false
	}
	return started == 0 && !underTask
}

// exitReason is why it is gone. A worker that died while it drained has crashed, whatever it was retired for.
func (w *worker) exitReason(c event.Cause) event.Reason {
	switch {
	case w.stopping:
		return w.reason
	case !w.ready() && w.failed(0, false):
		return event.ReasonStartFailed
	case c != event.CauseNone:
		return c.Reason()
	case w.reason != "":
		return w.reason
	}
	return event.ReasonExited
}
