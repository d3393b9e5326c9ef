// Package event holds what can happen in a pool, as plain data. It imports nothing of procpool, so that an observer
// depends on this package only.
//
// A pool hands each event to its observers (Config.OnEvent, and those given to Pool.Observe) once, one event at a time,
// on a goroutine of its own. No task and no worker ever waits for an observer, and its panic is printed and goes no
// further.
//
// # Order
//
// The events of one worker arrive in the order in which they happened to it, and so do the events of one task; between two
// workers or two tasks no order is promised.
//
// A task begins with TaskQueued. Then come, for each attempt, TaskStarted and perhaps TaskTimedOut; between two attempts
// TaskRequeued or TaskRetried. It ends with exactly one TaskFinished or TaskCanceled, after which nothing follows. A task
// that was taken back from a worker which had not come to it is requeued, with or without TaskStarted.
//
// A worker begins with WorkerSpawned, or with WorkerStartFailed if there is no process. Then come WorkerReady, what happens
// to its tasks, WorkerRetiring if it leaves as planned, and last WorkerExited, followed by WorkerStartFailed if that counts
// as a failed start. TaskStarted with a worker comes after its WorkerReady, TaskFinished before its WorkerExited.
//
// # What it costs
//
// Without an observer events are not made. With one that is slower than the pool, events wait; when more than 2^18 do,
// further ones are lost, and Dropped tells how many. [Tee] joins observers. [Async] keeps one that is slow from delaying
// the others.
package event

import "time"

// Event is one of the structs of this package; no other type implements it.
type Event interface {
	// When is the time at which it happened.
	When() time.Time
	sealed()
}

// At is the time of an event. Every event embeds it.
type At struct{ Time time.Time }

// When returns the time of the event.
func (a At) When() time.Time { return a.Time }
func (a At) sealed()         {}

// Task names one task of an event: one item of one call.
type Task struct {
	ID      uint64 // unique in its pool
	Name    string // as given to Define or Declare
	Attempt int    // 1 for the first

	Metadata map[string]string // of CallOptions; many tasks may share it: do not change it
}

// Worker names one worker of an event.
type Worker struct {
	Name string // for example SpawnPoolWorker-3
	PID  int    // 0 before it was spawned
}

// What happens to a task.
type (
	// TaskQueued: the pool accepted the task.
	TaskQueued struct {
		At
		Task Task
	}
	// TaskStarted: a worker that is ready has it and runs it, or will as soon as what it runs is done.
	TaskStarted struct {
		At
		Task   Task
		Worker Worker
		Wait   time.Duration // since it was accepted
	}
	// TaskFinished: it has its result. Err is nil for a success.
	TaskFinished struct {
		At
		Task   Task
		Worker Worker // zero when no worker had it
		Err    error
		Wait   time.Duration // from accepted until its turn in the worker came
		Run    time.Duration // from then until it was finished
	}
	// TaskRequeued: its worker left before it had started; it runs elsewhere.
	TaskRequeued struct {
		At
		Task   Task
		Worker Worker
	}
	// TaskRetried: its worker died under it, and CallOptions.Retries lets it run again.
	TaskRetried struct {
		At
		Task   Task
		Worker Worker
		Err    error
		Run    time.Duration // how long it ran, this time
	}
	// TaskCanceled: it was given up: its context ended, it was canceled, or the pool was terminated. The result was resolved
	// at once; the event comes when the worker that had it, if there was one, has let go of it.
	TaskCanceled struct {
		At
		Task   Task
		Worker Worker // zero when no worker had it
		Err    error
		Wait   time.Duration // from accepted until a worker had it, or until it was given up
		Run    time.Duration // how long a worker had it that had begun it
	}
	// TaskTimedOut: it ran longer than its Timeout; its context in the worker has ended. Dump is what the worker was doing
	// then: the stacks of its goroutines or threads. It is empty if the worker cannot tell, or the task stopped before it
	// did, or Config.Grace left no time for it: below zero it leaves none.
	TaskTimedOut struct {
		At
		Task   Task
		Worker Worker
		After  time.Duration
		Dump   string
	}
)

// What happens to a worker.
type (
	// WorkerSpawned: its process was started.
	WorkerSpawned struct {
		At
		Worker Worker
	}
	// WorkerReady: it has answered, its initializer included.
	WorkerReady struct {
		At
		Worker Worker
		Took   time.Duration // since it was spawned
	}
	// WorkerRetiring: it gets no more tasks.
	WorkerRetiring struct {
		At
		Worker Worker
		Reason Reason
		Why    Figures
	}
	// WorkerExited: its process is gone and reaped.
	WorkerExited struct {
		At
		Worker   Worker
		Reason   Reason
		Why      Figures
		Cause    Cause // CauseNone for a planned exit
		ExitCode int   // -1 when a signal ended it
		Signal   int   // 0 when it exited
		Tasks    int   // how many it started
		Lived    time.Duration
		Stderr   string // the last lines it wrote there
	}
	// WorkerStartFailed: it could not be started or initialized, or ended before its first task.
	WorkerStartFailed struct {
		At
		Worker  Worker
		Err     error
		Row     int           // failures in a row, this one included
		Backoff time.Duration // until the next try
	}
	// WorkerMisconfigured: it is over a memory limit already after its initializer or first task, so replacing it would not help.
	WorkerMisconfigured struct {
		At
		Worker Worker
		Reason Reason
		Why    Figures
	}
)

// What happens to the pool.
type (
	// PoolResized: the number of workers it keeps has changed. Reason is "resize", "grow" or "shrink".
	PoolResized struct {
		At
		From, To int
		Reason   string
	}
	// CircuitOpened: too many starts failed in a row; waiting and new tasks fail with Err until a probe succeeds.
	CircuitOpened struct {
		At
		Err error
	}
	// CircuitClosed: a probe succeeded; the pool serves again.
	CircuitClosed struct{ At }
	// PoolClosed: Close was called (Terminated false) or Terminate (true).
	PoolClosed struct {
		At
		Terminated bool
	}
	// Dropped: the observers were slower than the pool for so long that events were lost, here. Who keeps accounts from
	// events should look at Pool.Stats.
	Dropped struct {
		At
		Count uint64
	}
	// CallbackPanicked: a callback given to OnSuccess or OnError, or Recycle.When, panicked. Of an observer's panic
	// observers are not told; it is printed on Config.Stderr.
	CallbackPanicked struct {
		At
		Value any
		Stack string
	}
)

// Figures are the numbers that led to a decision; those that played no part are zero.
type Figures struct {
	Tasks    int           // tasks started
	Limit    int           // the task limit, jitter applied
	Memory   uint64        // resident bytes measured
	Baseline uint64        // resident bytes after its first task
	Bytes    uint64        // the byte limit that was passed
	Age      time.Duration // since it was spawned
	Idle     time.Duration // since its last task
	Run      time.Duration // how long the task had run that was ended
	Timeout  time.Duration // how long it was allowed to
}
