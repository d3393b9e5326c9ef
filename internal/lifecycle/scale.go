package lifecycle

import (
	"time"

	"github.com/procpool/procpool/event"
)

// see notes the state of the queue.
func (f *Fleet) see(d Demand) {
	f.demand, f.fresh = d, true
	f.oldest = f.now.Add(-d.Waiting)
}

// look asks for the state of the queue where it matters.
func (f *Fleet) look() {
	if f.cfg.Queue != nil && (f.closed || f.cfg.Scale.Max > 0) {
		f.see(f.cfg.Queue())
	}
}

func (f *Fleet) resize(n int, why string) {
	if n < 0 {
		f.refuse(Resize{n}, "negative")
		return
	}
	if n == f.target || f.terminated || f.done {
		return
	}
	f.change = Change{From: f.target, To: n, Reason: why, At: f.now}
	f.target = n
	f.tell(event.PoolResized{At: event.At{Time: f.now}, From: f.change.From, To: n, Reason: why})
}

// rescale lets the number of places follow the work.
func (f *Fleet) rescale() {
	if f.cfg.Scale.Max == 0 || !f.begun || f.terminated {
		return
	}
	if f.target == 0 && f.demand.Queued > 0 {
		f.grow(1) // the first task after zero waits for a start only
	}
	if !f.closed {
		f.growLater()
		f.shrink()
	}
}

// growLater adds places, by half, when a task has waited too long, and no worker is left that it could be given to; and again
// if that did not help when it should have.
func (f *Fleet) growLater() {
	if !f.fresh || f.demand.Queued == 0 || f.demand.Idle > 0 || f.target >= f.cfg.Scale.Max {
		return
	}
	at := f.oldest.Add(f.cfg.Scale.Wait)
	if at.Before(f.growAt) {
		at = f.growAt
	}
	if !f.now.Before(at) {
		f.grow(min(f.demand.Queued, (f.target+1)/2))
		at = f.growAt
	}
	if f.cfg.Queue != nil && f.target < f.cfg.Scale.Max {
		f.wake(at)
	}
}

func (f *Fleet) grow(by int) {
	f.resize(min(f.cfg.Scale.Max, f.target+by), "grow")
	f.growAt = f.now.Add(max(time.Millisecond, f.cfg.Scale.Wait, f.starts.ample()))
	f.shrinkAt = f.now.Add(f.cfg.Scale.Idle)
}

// shrink takes back the places of workers that were idle for the whole of Scale.Idle, but never within that time of a
// growth, and never while a task waits.
func (f *Fleet) shrink() {
	s := f.cfg.Scale
	if s.Idle <= 0 || f.target <= s.Min {
		return
	}
	if !f.now.Before(f.shrinkAt) {
		f.shrinkAt = f.now.Add(s.Idle)
		if n := f.idle(); f.demand.Queued == 0 && n > 0 {
			f.resize(max(s.Min, f.target-n), "shrink")
		}
	}
	if f.target > s.Min {
		f.wake(f.shrinkAt)
	}
}

// idle counts the workers that were idle for Scale.Idle, and moves the next look to when one more can be.
func (f *Fleet) idle() int {
	n := 0
	for _, w := range f.workers {
		since := f.use(w).IdleSince
		if !w.serving() || !w.ready() || since.IsZero() {
			continue
		}
		at := since.Add(f.cfg.Scale.Idle)
		switch {
		case !f.now.Before(at):
			n++
		case at.Before(f.shrinkAt):
			f.shrinkAt = at
		}
	}
	return n
}
