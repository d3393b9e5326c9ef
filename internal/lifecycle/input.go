package lifecycle

import (
	"time"

	"github.com/procpool/procpool/event"
)

// Input is one of the structs below: something that happened.
//
// Progress, Drained, Measured, Notice, Asked and Doom may arrive late, for a worker that is gone: they are ignored then. Ready,
// Exited and SpawnFailed may not.
type Input interface{ input() }

// What happens to a worker. Each Spawn has exactly one end: SpawnFailed or Exited.
type (
	// Ready: it has answered, its initializer included.
	Ready struct{ ID ID }

	// Exited: it is reaped. Tasks that it had not started must be back in the queue before this is sent.
	Exited struct {
		ID        ID
		Started   int // tasks that it started
		UnderTask bool
		Cause     event.Cause
		Err       error // why the start failed, if it did
	}

	// SpawnFailed: there is no process.
	SpawnFailed struct {
		ID  ID
		Err error
	}

	// Progress is sent when Left falls to what the last Watch said, or below.
	Progress struct {
		ID       ID
		Left     int           // of its budget, not yet handed out; 1 also when the last one is, as it may come back
		Interval time.Duration // learned time per task of this worker; 0: not known
	}

	// Drained: it is retired, or its budget is used up, and nothing is in it any more.
	Drained struct {
		ID       ID
		Interval time.Duration // that its tasks took on average; 0: not known
	}

	// Measured: its resident bytes after a task, or (Tasks 0) before its first one.
	Measured struct {
		ID     ID
		Memory uint64
		Tasks  int // run so far
	}

	// Notice: the task in it has asked for its replacement. It will leave once that task is answered, with Asked; the
	// successor starts now.
	Notice struct{ ID ID }

	// Asked: someone wants it replaced, for ReasonAsked or ReasonPanic. It gets no more tasks; with Later, as
	// Recycle.When has it, it serves until a successor is ready.
	Asked struct {
		ID     ID
		Reason event.Reason
		Later  bool
	}

	// Doom: what it runs must end, and it with it: a timeout, a cancel, hard memory, a broken protocol. Kill is the answer.
	Doom struct {
		ID      ID
		Reason  event.Reason
		Figures event.Figures
	}
)

// What happens to the pool.
type (
	// Begin starts the first workers.
	Begin struct{}
	// Resize sets the number of places.
	Resize struct{ N int }
	// RecycleAll replaces every worker. Each call is answered by one Rolled, in the order of the calls.
	RecycleAll struct{}
	// Close: no more tasks are accepted. What waits is known from Config.Queue or, without it, from a Demand sent before.
	Close struct{}
	// Terminate ends everything now.
	Terminate struct{}
	// Tick: the time given to Arm has come.
	Tick struct{}

	// Demand is the state of the queue. It is sent when a task finds no worker that takes it at once and the pool scales;
	// and, once the pool is closed, when something is put back into the queue and when the queue has become empty.
	Demand struct {
		Queued  int
		Waiting time.Duration // the longest wait in the queue
		Idle    int           // open workers with nothing to do
	}
)

func (Ready) input()       {}
func (Exited) input()      {}
func (SpawnFailed) input() {}
func (Progress) input()    {}
func (Drained) input()     {}
func (Measured) input()    {}
func (Notice) input()      {}
func (Asked) input()       {}
func (Doom) input()        {}
func (Begin) input()       {}
func (Resize) input()      {}
func (RecycleAll) input()  {}
func (Close) input()       {}
func (Terminate) input()   {}
func (Tick) input()        {}
func (Demand) input()      {}
