package lifecycle

import (
	"iter"
	"time"

	"github.com/procpool/procpool/event"
)

// Change is the last change of the number of places. Reason is "resize", "grow" or "shrink"; empty: there was none.
type Change struct {
	From, To int
	Reason   string
	At       time.Time
}

// Info is a worker as the fleet knows it.
type Info struct {
	ID      ID
	State   event.State
	Reason  event.Reason // why it leaves, or should; empty while it serves
	Figures event.Figures
	Open    bool // it is given tasks
	Budget  int  // 0: no limit
	Spawned time.Time
	Ready   time.Time // zero: not yet
}

// Target is the number of places.
func (f *Fleet) Target() int { return f.target }

// LastChange is the last change of Target.
func (f *Fleet) LastChange() Change { return f.change }

// StartEstimate is a time in which a worker will very likely be ready; 0 if none was yet.
func (f *Fleet) StartEstimate() time.Duration { return f.starts.ample() }

// Failing is the last failed start while the circuit is open, or would be if there was not still somebody who serves.
func (f *Fleet) Failing() (err error, open bool) {
	if !f.restart.tripped {
		return nil, false
	}
	return f.restart.err, f.restart.open
}

// Up reports whether every place has a worker that is ready.
func (f *Fleet) Up() bool { return f.begun && f.count().up >= f.target }

// Worker returns the living worker id.
func (f *Fleet) Worker(id ID) (Info, bool) {
	for w := range f.Workers() {
		if w.ID == id {
			return w, true
		}
	}
	return Info{}, false
}

// Workers yields the living, the oldest first.
func (f *Fleet) Workers() iter.Seq[Info] {
	return func(yield func(Info) bool) {
		for _, w := range f.workers {
			if !yield(w.info()) {
				return
			}
		}
	}
}

func (w *worker) info() Info {
	i := Info{
		ID: w.id, State: w.state(), Reason: w.reason, Figures: w.why, Open: w.serving(), Budget: w.budget,
		Spawned: w.spawned, Ready: w.readyAt,
	}
	if i.Reason == "" {
		i.Reason, i.Figures = w.due, w.dueWhy
	}
	return i
}
