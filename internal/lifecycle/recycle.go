package lifecycle

import (
	"math"
	"time"

	"github.com/procpool/procpool/event"
)

// budget draws how many tasks a new worker may run: uniform between MaxTasks and what the jitter leaves of it, at least 1.
func (f *Fleet) budget() int {
	n := f.cfg.MaxTasks
	least := max(1, int(math.Ceil(float64(n)*(1-f.cfg.Jitter)-1e-9)))
	if least >= n {
		return n
	}
	return min(n, least+int(f.rand()*float64(n-least+1)))
}

// ageLimit draws when a worker that is spawned now is too old.
func (f *Fleet) ageLimit() time.Time {
	if f.cfg.Age <= 0 {
		return time.Time{}
	}
	return f.now.Add(f.cfg.Age - time.Duration(f.rand()*f.cfg.Jitter*float64(f.cfg.Age)))
}

// spent notes that a worker has run all that it may. The dispatcher has seen that before us: there is nothing to do.
func (f *Fleet) spent(w *worker) {
	if w.leaving() {
		return
	}
	w.retired, w.reason = true, event.ReasonTaskLimit
	w.why = event.Figures{Tasks: w.budget, Limit: w.budget}
	f.tell(event.WorkerRetiring{At: event.At{Time: f.now}, Worker: f.name(w.id), Reason: w.reason, Why: w.why})
}

func (f *Fleet) asked(in Asked) {
	w := f.find(in, in.ID)
	switch {
	case w == nil || f.terminated:
	case in.Later:
		w.setDue(in.Reason, f.worked(w))
	default:
		if w.serving() && f.count().upSpares == 0 {
			f.surprise.add(f.now)
		}
		f.retire(w, in.Reason, f.worked(w))
	}
}

func (f *Fleet) notice(in Notice) {
	if w := f.find(in, in.ID); w != nil {
		w.near = true
	}
}

// worked is the figures of a worker for whose leaving no limit is the reason.
func (f *Fleet) worked(w *worker) event.Figures {
	use := f.use(w)
	why := event.Figures{Tasks: use.Tasks}
	if !use.IdleSince.IsZero() && use.IdleSince.Before(f.now) {
		why.Idle = f.now.Sub(use.IdleSince)
	}
	return why
}

// setDue notes that the worker should leave. The first reason counts.
func (w *worker) setDue(r event.Reason, why event.Figures) {
	if w.due == "" && !w.leaving() {
		w.due, w.dueWhy = r, why
	}
}

// measured compares with the limits. A worker that is over Memory already when it is first measured would be replaced
// by one that is, too: that is told once, and the rule is off for it.
func (f *Fleet) measured(in Measured) {
	w := f.find(in, in.ID)
	if w == nil {
		return
	}
	why := event.Figures{Tasks: in.Tasks, Memory: in.Memory}
	over := f.cfg.Memory > 0 && in.Memory > f.cfg.Memory
	grown := f.cfg.Growth > 0 && w.baseline > 0 && in.Memory > w.baseline && in.Memory-w.baseline > f.cfg.Growth
	switch {
	case over && in.Tasks <= 1:
		w.heavy = true
		why.Bytes = f.cfg.Memory
		f.misconfigured(w, why)
	case over && !w.heavy:
		why.Bytes = f.cfg.Memory
		w.setDue(event.ReasonMemory, why)
	case grown:
		why.Bytes, why.Baseline = f.cfg.Growth, w.baseline
		w.setDue(event.ReasonGrowth, why)
	}
	w.tasks = in.Tasks
	if w.baseline == 0 && in.Tasks > 0 {
		w.baseline = in.Memory
	}
}

func (f *Fleet) misconfigured(w *worker, why event.Figures) {
	if f.told {
		return
	}
	f.told = true
	f.tell(event.WorkerMisconfigured{
		At: event.At{Time: f.now}, Worker: f.name(w.id), Reason: event.ReasonMemory, Why: why,
	})
}

// dues looks for workers that are too old, or idle for too long. One that never ran a task is as fresh as its successor.
func (f *Fleet) dues() {
	for _, w := range f.workers {
		if w.leaving() || !w.ready() || w.due != "" {
			continue
		}
		if !w.ages.IsZero() && !f.now.Before(w.ages) {
			w.setDue(event.ReasonAge, event.Figures{Age: f.now.Sub(w.spawned)})
			continue
		}
		if !w.rests.IsZero() && !f.now.Before(w.rests) {
			f.rest(w)
		}
		if w.due != "" {
			continue
		}
		for _, t := range []time.Time{w.ages, w.rests} {
			if !t.IsZero() {
				f.wake(t)
			}
		}
	}
}

// rest looks whether the worker has been idle for long, and if not, when it can have been at the earliest.
func (f *Fleet) rest(w *worker) {
	use := f.use(w)
	since := use.IdleSince
	if since.IsZero() || use.Tasks == 0 || since.After(f.now) {
		since = f.now
	}
	if w.rests = since.Add(f.cfg.Idle); !f.now.Before(w.rests) {
		w.setDue(event.ReasonIdle, event.Figures{Idle: f.now.Sub(since)})
	}
}
