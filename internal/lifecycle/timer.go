package lifecycle

import (
	"slices"
	"time"
)

// arm moves the timer to the next time at which something is to do.
func (f *Fleet) arm() {
	if f.terminated || f.closed && len(f.workers) == 0 && f.demand.Queued == 0 {
		f.next = time.Time{}
	}
	if !f.next.Equal(f.armed) {
		f.armed = f.next
		f.do(Arm{f.next})
	}
}

func earliest(ts []time.Time) time.Time { return slices.MinFunc(ts, time.Time.Compare) }

func drop(ts []time.Time, t time.Time) []time.Time {
	i := slices.IndexFunc(ts, t.Equal)
	return slices.Delete(ts, i, i+1)
}
