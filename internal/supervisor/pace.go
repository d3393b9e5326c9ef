package supervisor

import (
	"math"
	"time"
)

const (
	mostWindow  = 1024                   // tasks in a Go worker's window at most
	windowTime  = 100 * time.Microsecond // a window holds about this much work
	windowBytes = 256 << 10              // and at most about this many bytes
)

// pace learns how fast a worker answers, and from that how many tasks its window should hold: deep when tasks take a
// microsecond, since what is sent and received together shares its system calls and wake-ups; one when they take long,
// since what waits in a window cannot run elsewhere. It is owned by who has the duty.
type pace struct {
	window  int
	goal    int // what the window should be, by what is known
	most    int
	service float64 // nanoseconds a task, smoothed: a geometric mean, which forgets soon that once the machine had no time
	bytes   float64 // bytes a task, smoothed
	unsure  bool    // nothing was learned yet from a worker's own answers
}

// inherit takes over what other workers of the pool have taken a task, in nanoseconds; 0 if none has run any. So a
// successor need not find out again what its predecessor knew.
func (p *pace) inherit(service float64) {
	if p.service != 0 || service == 0 {
		return
	}
	p.service, p.unsure = service, true
	p.goal = p.target()
	p.window = min(p.goal, p.most)
}

// learn takes in that n tasks with so many bytes of results were answered in the given time.
func (p *pace) learn(n, bytes int, took time.Duration) {
	if n == 0 {
		return
	}
	if p.unsure { // its first tasks are slow, as they touch everything for the first time: that says nothing of the next
		p.unsure = false
		return
	}
	each, size := max(float64(took), 1), float64(bytes)
	if n > 1 {
		each, size = max(each/float64(n), 1), size/float64(n)
	}
	if differs(each, p.service) || differs(size, p.bytes) {
		p.adjust(each, size)
	}
	p.window = min(p.goal, 2*p.window, p.most)
}

// differs reports whether something is news: roots and quotients take longer than a caller's own answer may.
func differs(v, known float64) bool { return math.Abs(v-known) > known/4 }

// adjust takes in that tasks took so many nanoseconds and bytes each.
func (p *pace) adjust(each, size float64) {
	switch {
	case p.service == 0:
		p.service = each
	case each > p.service: // a task that is suddenly slow should narrow the window soon
		p.service = math.Sqrt(p.service * each)
	default:
		p.service = math.Sqrt(p.service * math.Sqrt(p.service*each))
	}
	p.bytes += (size - p.bytes) / 8
	p.goal = p.target()
}

// target is how many tasks a window should hold, by what is known.
func (p *pace) target() int {
	target := float64(windowTime) / max(p.service, 1)
	target = min(target, windowBytes/max(p.bytes, 1))
	return max(1, int(target))
}
