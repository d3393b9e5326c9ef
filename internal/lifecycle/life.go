package lifecycle

import (
	"slices"

	"github.com/procpool/procpool/event"
)

// find returns the living worker id. It is nil, without complaint, for one that is gone.
func (f *Fleet) find(in Input, id ID) *worker {
	i, ok := slices.BinarySearchFunc(f.workers, id, func(w *worker, id ID) int { return int(w.id) - int(id) })
	switch {
	case ok:
		return f.workers[i]
	case id == 0 || id > f.last:
		f.refuse(in, "no such worker")
	}
	return nil
}

// must is find for inputs that cannot be late.
func (f *Fleet) must(in Input, id ID) *worker {
	w := f.find(in, id)
	if w == nil && 0 < id && id <= f.last {
		f.refuse(in, "worker is gone")
	}
	return w
}

func (f *Fleet) spawn(probe bool) {
	f.last++
	w := &worker{id: f.last, budget: f.budget(), spawned: f.now, ages: f.ageLimit(), watch: -1}
	w.left = w.budget
	w.place = f.count().places < f.target
	f.workers = append(f.workers, w)
	if f.cfg.StartTimeout > 0 {
		f.wake(f.now.Add(f.cfg.StartTimeout))
	}
	f.do(Spawn{ID: w.id, Open: w.place, Budget: w.budget, Probe: probe})
	f.watch(w)
}

func (f *Fleet) ready(in Ready) {
	w := f.must(in, in.ID)
	switch {
	case w == nil:
		return
	case w.ready():
		f.refuse(in, "ready twice")
		return
	}
	w.readyAt = f.now
	if f.cfg.Idle > 0 {
		w.rests = f.now.Add(f.cfg.Idle)
	}
	if !w.stopping {
		f.starts.add(f.now.Sub(w.spawned))
		f.heal()
	}
}

func (f *Fleet) exited(in Exited) {
	w := f.must(in, in.ID)
	if w == nil {
		return
	}
	f.bury(w, w.exitReason(in.Cause))
	switch {
	case f.terminated:
	case w.failed(in.Started, in.UnderTask):
		f.startFailed(w, f.late(w, in.Err))
	case in.Started > 0:
		f.restart.good(w)
	}
}

func (f *Fleet) spawnFailed(in SpawnFailed) {
	w := f.must(in, in.ID)
	switch {
	case w == nil:
		return
	case w.ready():
		f.refuse(in, "was ready before")
		return
	}
	f.bury(w, w.exitReason(event.CauseNone))
	if !f.terminated && w.failed(0, false) {
		f.startFailed(w, f.late(w, in.Err))
	}
}

func (f *Fleet) bury(w *worker, r event.Reason) {
	f.workers = slices.DeleteFunc(f.workers, func(o *worker) bool { return o == w })
	if r != w.reason {
		w.why = event.Figures{}
	}
	f.do(Bury{w.id, r, w.why})
}

func (f *Fleet) drained(in Drained) {
	w := f.find(in, in.ID)
	switch {
	case w == nil || w.killed: // the killed keep their place until they are gone
		return
	case w.stopping:
		f.refuse(in, "is stopping already")
		return
	case !w.retired && w.budget == 0:
		f.refuse(in, "was not retired")
		return
	}
	if in.Interval > 0 { // of few tasks it could tell nothing before
		f.learnPace(in.Interval)
	}
	f.spent(w)
	f.stop(w)
}

func (f *Fleet) doom(in Doom) {
	if w := f.find(in, in.ID); w != nil && !w.killed {
		w.failing = !w.ready() && !w.planned && in.Reason != event.ReasonCanceled && in.Reason != event.ReasonTimedOut
		f.kill(w, in.Reason, in.Figures)
	}
}

// retire takes a worker out of service. One that has a place gives it up when it is drained; a spare is empty.
func (f *Fleet) retire(w *worker, r event.Reason, why event.Figures) {
	if w.leaving() {
		return
	}
	w.retired, w.planned, w.reason, w.why = true, true, r, why
	f.tell(event.WorkerRetiring{At: event.At{Time: f.now}, Worker: f.name(w.id), Reason: r, Why: why})
	if !w.place {
		f.stop(w)
		return
	}
	f.do(Retire{w.id, r, why})
}

func (f *Fleet) stop(w *worker) {
	w.stopping, w.planned, w.place = true, true, false
	f.do(Stop{w.id, w.reason, w.why})
}

func (f *Fleet) kill(w *worker, r event.Reason, why event.Figures) {
	if !w.stopping { // else it keeps the reason that it is stopping for
		w.reason, w.why = r, why
	}
	w.stopping, w.killed = true, true
	f.do(Kill{w.id, r})
}
