// Package queue is where calls wait. Put is admission and backpressure, Take is scheduling. It knows workers only as
// seats: places that take tasks through a window.
package queue

import (
	"time"

	"github.com/procpool/procpool/event"
)

// Call is one submission: one task, or the many tasks of a map. An item is one task of it. There can be a million of them
// waiting, so it is small.
type Call struct {
	// Set by the submitter, immutable after Put.

	ID       uint64        // of item 0; item i has ID + i. Set by Put.
	Task     *Task         //
	Data     []byte        // the encoded argument; of many items, one after another
	Many     *[]uint64     // nil for a single item; else item i is Data[Many[i]:Many[i+1]]; an empty one has resolved already
	Accepted time.Duration // on the queue's clock. Set by Put.
	Deadline int64         // when its context ends, in nanoseconds since 1970; 0: never
	Sink     Sink
	Holes    bool // some items of Many have resolved already

	// Guarded by Queue.mu.

	waiting  int32 // items that wait in the queue
	accepted bool  // its sink will hear of it
	canceled bool  // items of it that are met in the queue are dropped
	again    bool  // items of it have run more than once: see Queue.attempts
	moved    bool  // items of it have come back from a worker
}

// Moved reports whether more than one worker may have got items of the call. Only who has taken the last one may ask.
func (c *Call) Moved() bool { return c.moved }

// Task is what calls of the same task value share.
type Task struct {
	Name     string
	Timeout  time.Duration // per attempt; 0: the pool's default; < 0: none
	Retries  int
	Priority int
	Metadata []byte            // encoded; nil: none
	Labels   map[string]string // the same, for observers
	Spread   bool              // arguments are lists
}

// Items returns how many tasks the call is.
func (c *Call) Items() int {
	if c.Many == nil {
		return 1
	}
	return len(*c.Many) - 1
}

// Payload returns the encoded argument of item i.
func (c *Call) Payload(i int32) []byte {
	if c.Many == nil {
		return c.Data
	}
	from, to := (*c.Many)[i], (*c.Many)[i+1]
	return c.Data[from:to:to]
}

// Sink takes the results of a call's items.
type Sink interface {
	// Resolve gives the items from, from+1 and so on their outcomes, each at most once. It sets Unused of those that it did
	// not use, because the call has been resolved as a whole before, by a cancel for example; and Err of the others to
	// what the user sees.
	Resolve(from int32, all []Outcome)
	// Abort resolves what is left of the call as a whole. It may be called at any time, more than once.
	Abort(err error)
}

// Outcome is how one attempt of an item ended: with a payload, or with Err, which is one of the facts below or an error
// of the pool.
type Outcome struct {
	Payload []byte
	Owned   bool // the payload is the receiver's to keep; else it is valid during Resolve only
	Spent   bool // nobody else will read the call's Data any more; only ever told of large ones
	Unused  bool // set by Resolve
	Err     error
	Worker  string
	Attempt int
}

// Failed is the fact that a function returned an error, panicked, or that a value could not cross the border.
type Failed struct {
	Kind, Type, Message, Stack string
	Sentinels                  []string
}

// Error is for logs; users see what the root makes of it.
func (f *Failed) Error() string { return f.Kind + ": " + f.Message }

// Died is the fact that a worker's process ended under a task.
type Died struct {
	PID, ExitCode, Signal int
	Cause                 event.Cause
	Detail                string // what the pool knows besides: a protocol fault, measured memory
	Stderr                string
	Dump                  string // what it was doing when the task's time was over
}

// Error is for logs; users see what the root makes of it.
func (d *Died) Error() string { return d.Cause.String() }

// Entry is one attempt of one item, on its way to a worker.
type Entry struct {
	Call    *Call
	Item    int32
	Attempt int32
	Taken   time.Duration // when, on the queue's clock
}

// Run is items of one call that go to a worker one after another, each on the same attempt.
type Run struct {
	Entry       // the first
	To    int32 // one behind the last
}

// Len returns how many items the run has.
func (r *Run) Len() int { return int(r.To - r.Item) }

// At returns the i-th of them.
func (r *Run) At(i int) Entry {
	e := r.Entry
	e.Item += int32(i)
	return e
}

// Bytes returns the size of their arguments.
func (r *Run) Bytes() int {
	if r.Call.Many == nil {
		return len(r.Call.Data)
	}
	return int((*r.Call.Many)[r.To] - (*r.Call.Many)[r.Item])
}

// Cut takes the first n items off the run and returns them.
func (r *Run) Cut(n int) Run {
	head := *r
	r.Item += int32(n)
	head.To = r.Item
	return head
}

// ID returns the task's number in its pool.
func (e *Entry) ID() uint64 { return e.Call.ID + uint64(e.Item) }

// Desk is where calls are handed in: a pool, or what else runs them.
type Desk interface {
	// Submit accepts a call, or lets it wait for room: then entered is not nil, see Queue.Entered. A patient submitter
	// waits for room even where the pool rejects. A caller who waits for the answer passes himself as waiter, and may be
	// made to collect it; else w is nil.
	Submit(c *Call, patient bool, w Waiter) (entered <-chan struct{}, err error)
	Entered(c *Call) (ok bool, err error)
	// Cancel removes what waits of a call that is resolved, and stops what runs of it.
	Cancel(c *Call)
	// Later calls f on the goroutine for callbacks.
	Later(f func())
	// Processes is about how many tasks run at a time.
	Processes() int
}

// Waiter is a caller who waits for one answer.
type Waiter interface {
	Ready() bool
	// Restless reports whether something else than the answer, such as his context, may end his wait.
	Restless() bool
}
