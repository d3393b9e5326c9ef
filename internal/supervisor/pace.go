package supervisor

import "time"

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
	most    int
	service float64 // nanoseconds a task, smoothed
	bytes   float64 // bytes a task, smoothed
}

// learn takes in that n tasks with so many bytes of results were answered in the given time.
func (p *pace) learn(n, bytes int, took time.Duration) {
	if n == 0 {
		return
	}
	each := float64(took) / float64(n)
	weight := 1.0 / 8
	if each > p.service {
		weight = 1.0 / 2 // a task that is suddenly slow should narrow the window soon
	}
	if p.service == 0 {
		weight = 1
	}
	p.service += weight * (each - p.service)
	p.bytes += (float64(bytes)/float64(n) - p.bytes) / 8
	target := float64(windowTime) / max(p.service, 1)
	target = min(target, windowBytes/max(p.bytes, 1))
	p.window = min(max(1, int(target)), 2*p.window, p.most)
}
