package event

// State is where a worker is in its life. A worker only ages: it never goes back to an earlier state.
type State string

// The states, in order.
const (
	Starting State = "starting" // spawned; next: Ready, or Gone
	Ready    State = "ready"    // has answered; next: Draining, or Gone
	Draining State = "draining" // gets no more tasks, finishes what it has; next: Stopping, or Gone
	Stopping State = "stopping" // told to leave; next: Gone
	Gone     State = "gone"     // exited and reaped
)

// Reason tells why a worker leaves or left.
type Reason string

// The reasons. Planned ones come first; they never count as failures.
const (
	ReasonTaskLimit   Reason = "task_limit"    // MaxTasksPerChild
	ReasonMemory      Reason = "memory"        // Recycle.Memory, after a task
	ReasonGrowth      Reason = "growth"        // Recycle.Growth, after a task
	ReasonAge         Reason = "age"           // Recycle.Age
	ReasonIdle        Reason = "idle"          // Recycle.Idle
	ReasonAsked       Reason = "asked"         // RetireWorker, or Recycle.When
	ReasonRolling     Reason = "rolling"       // Pool.Recycle
	ReasonShrink      Reason = "shrink"        // Resize or Scale
	ReasonPanic       Reason = "panic"         // Recycle.OnPanic
	ReasonTerminated  Reason = "terminated"    // Terminate
	ReasonClosed      Reason = "closed"        // Close
	ReasonCrashed     Reason = "crashed"       // CauseCrashed
	ReasonExited      Reason = "exited"        // CauseExited
	ReasonKilled      Reason = "killed"        // CauseKilledOutside
	ReasonTimedOut    Reason = "timed_out"     // CauseTimedOut
	ReasonCanceled    Reason = "canceled"      // its task was canceled and did not stop by itself
	ReasonOutOfMemory Reason = "out_of_memory" // CauseOutOfMemory
	ReasonProtocol    Reason = "protocol"      // CauseProtocol
	ReasonStartFailed Reason = "start_failed"  // it did not become ready
)

// Planned reports whether the pool itself decided, between tasks, that the worker should leave.
func (r Reason) Planned() bool {
	switch r {
	case ReasonTaskLimit, ReasonMemory, ReasonGrowth, ReasonAge, ReasonIdle, ReasonAsked, ReasonRolling, ReasonShrink,
		ReasonPanic, ReasonTerminated, ReasonClosed:
		return true
	}
	return false
}

// Cause is why a process died under a task.
type Cause uint8

// The causes.
const (
	CauseNone          Cause = iota
	CauseCrashed             // a fatal signal such as SEGV, ABRT, BUS, ILL, FPE; or the Go runtime's own end
	CauseExited              // the program called exit, whatever the code
	CauseKilledOutside       // a signal that the pool did not send
	CauseOutOfMemory         // the kernel's OOM killer, or Recycle.HardMemory
	CauseTimedOut            // the pool killed it: its task ran past Timeout and Grace
	CauseProtocol            // it spoke nonsense or closed its channel
	CauseCanceled            // the pool killed it: its task was canceled and did not stop within Grace
	CauseTerminated          // the pool was terminated
)

var causeNames = [...]string{
	"none", "crashed", "exited", "killed from outside", "out of memory", "timed out", "protocol error", "canceled", "terminated",
}

// String returns the cause in words.
func (c Cause) String() string {
	if int(c) < len(causeNames) {
		return causeNames[c]
	}
	return "unknown cause"
}

// Reason is the worker's reason to leave that belongs to the cause.
func (c Cause) Reason() Reason {
	switch c {
	case CauseCrashed:
		return ReasonCrashed
	case CauseExited:
		return ReasonExited
	case CauseKilledOutside:
		return ReasonKilled
	case CauseOutOfMemory:
		return ReasonOutOfMemory
	case CauseTimedOut:
		return ReasonTimedOut
	case CauseProtocol:
		return ReasonProtocol
	case CauseCanceled:
		return ReasonCanceled
	case CauseTerminated:
		return ReasonTerminated
	case CauseNone:
	}
	return ""
}
