//go:build unix

package main

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"slices"
	"time"
)

// patience is how long nothing may happen.
const patience = 30 * time.Second

// soak is a whole run.
type soak struct {
	tasks    int
	seed     uint64
	only     int
	from     int
	patience time.Duration
	most     time.Duration
	verbose  bool
	out      io.Writer

	rounds     []*round
	memory     []int // resident bytes after each round
	heap       []int // live bytes of Go's heap after each round
	violations int
}

// run runs all rounds, tells of them, and returns how much was violated.
func (s *soak) run() int {
	begin := time.Now()
	for number, tasks := 0, 0; tasks < s.tasks; number++ {
		p := newPlan(s.seed, number, min(max(s.tasks/25, 1000), 10_000))
		p.tasks = min(p.tasks, s.tasks-tasks)
		tasks += p.tasks
		if number < s.from || s.only >= 0 && s.only != number || s.most > 0 && time.Since(begin) > s.most {
			continue
		}
		s.round(p)
	}
	s.checkMemory()
	s.summary(time.Since(begin))
	return s.violations
}

func (s *soak) round(p *plan) {
	if s.verbose {
		fmt.Fprintln(s.out, p)
	}
	r := newRound(p)
	over := make(chan error)
	go func() { over <- r.run() }() // ends with the round; one that hangs is left behind
	if err := s.watch(r, over); err != nil {
		s.violate(p, err.Error())
		return
	}
	for _, text := range r.ledger.faults {
		s.violate(p, text)
	}
	s.violations += r.ledger.more
	s.rounds = append(s.rounds, r)
	r.ledger = &ledger{signals: r.ledger.signals} // the figures are enough
	r.pool = nil
	s.measure()
}

// watch waits for a round, and for one that hangs only as long as patience lasts.
func (s *soak) watch(r *round, over <-chan error) error {
	var before int64
	for {
		select {
		case err := <-over:
			return err
		case <-time.After(s.patience):
			if n := r.answers(); n != before {
				before = n
				continue
			}
			s.dump(r)
			return fmt.Errorf("nothing has happened for %v", s.patience)
		}
	}
}

// dump tells what a round that hangs was doing.
func (s *soak) dump(r *round) {
	fmt.Fprintf(s.out, "%v\nhangs:\n", r.plan)
	pprof.Lookup("goroutine").WriteTo(s.out, 2)
	for id := range r.ledger.entries {
		c := r.ledger.chunks[id/chunkTasks]
		if e := &r.ledger.entries[id]; c != nil && e.given.Load() && e.answers.Load() == 0 {
			fmt.Fprintf(s.out, "no answer: task %d, %s, %s, started %d times\n",
				id, formNames[c.form], actNames[c.jobs[id-c.first].Act], starts(uint64(id)))
		}
	}
	told := make(chan struct{})
	go func() { // ends when the pool answers; if it does not, the program is about to end
		fmt.Fprintf(s.out, "%+v\n%+v\n", r.pool.Stats(), r.pool.Workers())
		close(told)
	}()
	select {
	case <-told:
	case <-time.After(time.Second):
		fmt.Fprintln(s.out, "Stats hangs too")
	}
}

func (s *soak) violate(p *plan, text string) {
	s.violations++
	fmt.Fprintf(s.out, "VIOLATED in round %d (seed %d): %s\n\t%v\n", p.number, s.seed, text, p)
}

func (s *soak) measure() {
	runtime.GC()
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	s.memory, s.heap = append(s.memory, resident()), append(s.heap, int(m.HeapAlloc+m.StackInuse))
}

// memorySlack is how much more of its heap this process may use at the end than early on.
const memorySlack = 4 << 20

// checkMemory compares the median of the second fifth of all rounds with that of the last. It looks at the heap, since the
// race detector's own memory only grows; what is mapped and not given back is a leak of its round.
func (s *soak) checkMemory() {
	n := len(s.heap)
	if n < 10 {
		return
	}
	early, late := median(s.heap[n/5:2*n/5]), median(s.heap[4*n/5:])
	if late > early+memorySlack {
		s.violations++
		fmt.Fprintf(s.out, "VIOLATED: the heap grew from %d to %d KiB\n", early>>10, late>>10)
	}
}

func median(of []int) int {
	sorted := slices.Sorted(slices.Values(of))
	return sorted[len(sorted)/2]
}
