package transport

import "time"

// spinFor is how long either side of a ring looks again and again before it sleeps. To put a side to sleep and wake it
// costs as much.
const spinFor = 20 * time.Microsecond

// looks is how often a side looks before it reads the clock and lets others go on: that takes as long as twenty looks, and the
// answer waits meanwhile.
const looks = 128

// spin looks until there is something, or the time is over; pause comes between the looks.
func spin(atMost time.Duration, ready func() bool, pause func()) bool {
	var start time.Time
	idle := uint64(3)
	for {
		for range looks {
			if ready() {
				return true
			}
			idle = relax(idle)
		}
		switch {
		case start.IsZero():
			start = time.Now()
		case time.Since(start) >= atMost:
			return false
		}
		pause()
	}
}

// streamSize is how much a reader finds when answers come in a stream, one behind the other.
const streamSize = 512

// breathe lets a stream run for about a microsecond. To look at every answer as it comes would take the line with the
// writer's cursor away from it each time, which costs the writer more than the answer does.
func breathe() {
	for idle, n := uint64(3), 0; n < 150; n++ {
		idle = relax(idle)
	}
}

// relax keeps the core's other half and the memory system from the cost of looking all the time: the multiplications wait
// for each other, and nothing else does.
//
//go:noinline
func relax(x uint64) uint64 {
	for range 8 {
		x *= x
	}
	return x
}

// spinner decides whether spinning is worth it. It is as long as it mostly succeeds. After failures in a row the sides
// sleep for some waits, then for twice as many, and so on: if they share a core, or calls take long, spinning costs next
// to nothing. It is the pool that decides, for both: one side that spins alone never meets the other.
type spinner struct {
	failed int // in a row
	pause  int // waits to come without spinning
	next   int // the next pause
}

const (
	spinTries = 4
	minPause  = 8
	maxPause  = 512
)

// worth is called before each wait.
func (s *spinner) worth() bool {
	if s.pause == 0 {
		return true
	}
	s.pause--
	return s.pause == 0
}

// tell is called after each wait in which there was spinning.
func (s *spinner) tell(ok bool) {
	if ok {
		s.failed, s.next = 0, 0
		return
	}
	if s.failed++; s.failed >= spinTries {
		s.next = min(max(2*s.next, minPause), maxPause)
		s.failed, s.pause = 0, s.next
	}
}
