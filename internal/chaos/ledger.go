//go:build unix

package main

import (
	"fmt"
	"sync"
	"sync/atomic"
)

// class is how a task ended, as its submitter sees it.
type class int

const (
	unseen     class = iota
	succeeded        // with the right answer
	failed           // *TaskError
	lost             // *WorkerError
	canceled         // its context's error, or left out by FailFast
	notStarted       // *StartError
	terminated       // ErrTerminated
	refused          // ErrClosed, ErrQueueFull: it was never accepted
	classes
)

var classNames = [classes]string{"unseen", "succeeded", "failed", "worker died", "canceled", "not started", "terminated", "refused"}

// ledger is what a round knows of its tasks. The entries of one task are written by its submitter and its callbacks.
type ledger struct {
	plan      *plan
	entries   []entry
	answers   atomic.Int64 // of all; the watchdog looks at it
	mu        sync.Mutex
	faults    []string // what was violated
	more      int      // and was too much to keep
	deaths    map[string]int
	struck    map[string]bool // workers that got a signal from outside
	chunks    []*chunk
	signals   [strikes]int
	callbacks atomic.Int64
}

// entry is one task's.
type entry struct {
	given     atomic.Bool  // to the pool, or to the input of an IMap
	answers   atomic.Int32 // that its submitter got
	callbacks atomic.Int32
	class     class
	attempt   int // that the answer tells; 0: none
	callback  bool
	stream    bool // of an IMap: it may stay unseen
}

func newLedger(p *plan) *ledger {
	return &ledger{
		plan: p, entries: make([]entry, p.tasks), deaths: map[string]int{}, struck: map[string]bool{},
		chunks: make([]*chunk, (p.tasks+chunkTasks-1)/chunkTasks),
	}
}

const mostFaults = 20

// fault records a violation.
func (l *ledger) fault(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.faults) == mostFaults {
		l.more++
		return
	}
	l.faults = append(l.faults, fmt.Sprintf(format, args...))
}

// answer records what the submitter of a task got.
func (l *ledger) answer(id int, c class, attempt int) {
	e := &l.entries[id]
	l.answers.Add(1)
	if n := e.answers.Add(1); n > 1 {
		l.fault("task %d was answered %d times", id, n)
		return
	}
	e.class, e.attempt = c, attempt
}

// died records a worker's death under a task.
func (l *ledger) died(worker string, id int) {
	l.mu.Lock()
	l.deaths[worker]++
	n := l.deaths[worker]
	l.mu.Unlock()
	if n > 1 {
		l.fault("worker %s died under %d tasks, task %d among them", worker, n, id)
	}
}

func (l *ledger) strike(worker string, s strike) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.struck[worker] = true
	l.signals[s]++
}

func (l *ledger) wasStruck(worker string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.struck[worker]
}
