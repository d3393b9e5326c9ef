package supervisor

import (
	"runtime"
	"time"

	"github.com/procpool/procpool/internal/queue"
)

// reliefPeriod is between two looks at those that tasks are left to. One that has not moved in between is stuck.
const reliefPeriod = time.Millisecond

// crew is how many workers are kept at work while tasks are quick: two for each processor, so that one has something while the
// other waits for the pool. What the pool may use says nothing of its workers; so where it was told to use less, the machine
// counts.
func crew() int { return 2 * max(runtime.GOMAXPROCS(0), runtime.NumCPU()) }

// relieve names others in place of workers that are stuck while tasks are left to them. It reports whether it should be called
// again: while tasks wait though workers are idle.
func (s *Supervisor) relieve() (again bool) {
	var stuck []*queue.Seat
	for _, w := range s.list() {
		if w.link.stands() {
			stuck = append(stuck, &w.link.seat)
		}
	}
	owners, again := s.cfg.Queue.Replace(stuck)
	feedAll(owners...)
	s.Demand()
	return again
}

// sight is what relief sees of a worker that has tasks.
type sight struct {
	first   uint64 // in flight
	started uint64 // by the board
}

// stands reports whether a worker has tasks and is not ready, or has neither answered nor started any since the last call of
// stands.
func (l *link) stands() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	last := l.sight
	l.sight = sight{}
	switch {
	case l.flight.len() == 0 || l.ended:
		return false
	case !l.w.isReady():
		return true
	}
	l.sight = sight{l.flight.first, l.board.Started()}
	return l.sight == last
}
