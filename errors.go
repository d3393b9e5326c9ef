package procpool

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"sync"
	"syscall"

	"github.com/procpool/procpool/event"
)

// The states of a pool in which a task is not run.
var (
	ErrClosed      = errors.New("procpool: the pool is closed")                            // submitted after Close
	ErrTerminated  = errors.New("procpool: the pool is terminated")                        // submitted after Terminate, or terminated before the task resolved
	ErrRunning     = errors.New("procpool: the pool is running: Close or Terminate first") // Join of a running pool
	ErrQueueFull   = errors.New("procpool: the queue is full")                             // Queue.Reject, and no room
	ErrUnknownTask = errors.New("procpool: unknown task")                                  // the worker has no task of that name
	errInCallback  = errors.New("procpool: Join and Shutdown cannot be called from a callback, which they wait for")
)

// Cause is why a process died under a task; see [WorkerError].
type Cause = event.Cause

// The causes.
const (
	CauseCrashed       = event.CauseCrashed       // a fatal signal such as SEGV, ABRT, BUS, ILL, FPE; or the Go runtime's own end
	CauseExited        = event.CauseExited        // the program called exit, whatever the code
	CauseKilledOutside = event.CauseKilledOutside // a signal that the pool did not send
	CauseOutOfMemory   = event.CauseOutOfMemory   // the kernel's OOM killer, or Recycle.HardMemory
	CauseTimedOut      = event.CauseTimedOut      // it ran past its Timeout and Grace
	CauseProtocol      = event.CauseProtocol      // it spoke nonsense or closed its channel
	CauseCanceled      = event.CauseCanceled      // in events: its task was canceled and did not stop within Grace
	CauseTerminated    = event.CauseTerminated    // in events: the pool was terminated
)

// TaskError is an error that a function returned, or its panic. It unwraps to the registered errors that it matches: see
// [RegisterError].
type TaskError struct {
	Task    string
	Worker  string
	Type    string // of the error or the panic's value, in the worker's language
	Message string
	Stack   string // of a panic; a traceback from languages that have one
	Panic   bool

	matches []error
}

// Error tells the task and its message.
func (e *TaskError) Error() string {
	if e.Panic {
		return fmt.Sprintf("task %s panicked: %s", e.Task, e.Message)
	}
	return fmt.Sprintf("task %s: %s", e.Task, e.Message)
}

// Unwrap returns the registered errors that the function's error matched in the worker.
func (e *TaskError) Unwrap() []error { return e.matches }

// WorkerError tells that a worker's process died under a task. With CauseTimedOut it is context.DeadlineExceeded.
type WorkerError struct {
	Task     string
	Worker   string
	PID      int
	ExitCode int            // -1 when a signal ended it
	Signal   syscall.Signal // 0 when it exited
	Cause    Cause
	Stderr   string // the last lines that the worker wrote there; after a timeout, also what it was doing then
	Attempt  int    // 1 for the first

	detail string
}

// Error tells the task, the worker, the cause, and the last line of stderr.
func (e *WorkerError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "task %s: worker %s (pid %d) %s", e.Task, e.Worker, e.PID, e.Cause)
	switch {
	case e.detail != "":
		b.WriteString(": " + e.detail)
	case e.Signal != 0:
		fmt.Fprintf(&b, ": signal: %v", e.Signal)
	case e.Cause == CauseExited:
		fmt.Fprintf(&b, ": exit status %d", e.ExitCode)
	}
	said, _, _ := strings.Cut(e.Stderr, dumpHeading)
	if line := firstLine(said); line != "" {
		b.WriteString(": " + line)
	}
	return b.String()
}

// dumpHeading stands between what a worker wrote and what it was doing when its task's time was over.
const dumpHeading = "-- what it was doing when its time was over --\n"

// withDump returns the text of Stderr.
func withDump(said, dump string) string {
	if dump == "" {
		return said
	}
	if said != "" && !strings.HasSuffix(said, "\n") {
		said += "\n"
	}
	return said + dumpHeading + dump
}

// Is makes a timeout context.DeadlineExceeded.
func (e *WorkerError) Is(target error) bool {
	return e.Cause == CauseTimedOut && target == context.DeadlineExceeded
}

func firstLine(s string) string {
	s = strings.TrimSpace(s)
	line, _, _ := strings.Cut(s, "\n")
	return line
}

// StartError tells that workers cannot start or initialize.
type StartError struct {
	Attempts int // in a row
	ExitCode int // of the last one; -1 if it did not exit by itself
	Signal   syscall.Signal
	Stderr   string // the last lines that the last one wrote there
	Err      error
}

// Error tells how often, the reason, and what the worker wrote.
func (e *StartError) Error() string {
	s := fmt.Sprintf("procpool: a worker did not start: %v", e.Err)
	if e.Attempts > 1 {
		s = fmt.Sprintf("procpool: workers did not start, %d times in a row: %v", e.Attempts, e.Err)
	}
	if text := strings.TrimSpace(e.Stderr); text != "" {
		s += "\n" + text
	}
	return s
}

// Unwrap returns Err.
func (e *StartError) Unwrap() error { return e.Err }

// EncodeError tells that an argument or result could not be encoded or decoded, or is over the limit of 1 GiB. The worker
// survives.
type EncodeError struct {
	Task   string
	Result bool // it was the result, not the argument
	Err    error
}

// Error tells which value of which task, and why.
func (e *EncodeError) Error() string {
	what := "argument"
	if e.Result {
		what = "result"
	}
	return fmt.Sprintf("%s of task %s: %v", what, e.Task, e.Err)
}

// Unwrap returns Err.
func (e *EncodeError) Unwrap() error { return e.Err }

// ItemError is the error of one item of Map or IMap.
type ItemError struct {
	Index int
	Err   error
}

// Error tells the item and its error.
func (e *ItemError) Error() string { return fmt.Sprintf("item %d: %v", e.Index, e.Err) }

// Unwrap returns Err.
func (e *ItemError) Unwrap() error { return e.Err }

// MapError holds the items of a Map that failed, in index order.
type MapError struct {
	Items []*ItemError
	Total int // items of the map
}

// Error tells how many failed, and the first.
func (e *MapError) Error() string {
	if len(e.Items) == 0 {
		return fmt.Sprintf("procpool: 0 of %d items failed", e.Total)
	}
	return fmt.Sprintf("procpool: %d of %d items failed, first %v", len(e.Items), e.Total, e.Items[0])
}

// Unwrap returns the items.
func (e *MapError) Unwrap() []error {
	errs := make([]error, len(e.Items))
	for i, it := range e.Items {
		errs[i] = it
	}
	return errs
}

// sentinels are the errors that are told by name across the process border.
var sentinels = struct {
	mu    sync.Mutex
	names []string
	errs  map[string]error
}{errs: map[string]error{}}

func init() {
	for name, err := range map[string]error{
		"context.Canceled": context.Canceled, "context.DeadlineExceeded": context.DeadlineExceeded,
		"io.EOF": io.EOF, "io.ErrUnexpectedEOF": io.ErrUnexpectedEOF, "io.ErrClosedPipe": io.ErrClosedPipe,
		"io.ErrShortWrite": io.ErrShortWrite, "io.ErrNoProgress": io.ErrNoProgress, "io.ErrShortBuffer": io.ErrShortBuffer,
		"fs.ErrInvalid": fs.ErrInvalid, "fs.ErrPermission": fs.ErrPermission, "fs.ErrExist": fs.ErrExist,
		"fs.ErrNotExist": fs.ErrNotExist, "fs.ErrClosed": fs.ErrClosed,
		"os.ErrDeadlineExceeded": os.ErrDeadlineExceeded, "os.ErrNoDeadline": os.ErrNoDeadline,
		"os.ErrProcessDone": os.ErrProcessDone, "errors.ErrUnsupported": errors.ErrUnsupported,
	} {
		RegisterError(name, err)
	}
}

// RegisterError makes errors.Is work for err across the process border: a function's error that is err in the worker is
// err in the pool's process too. Call it in both, in an init function or a package-level variable. The standard
// library's common sentinels are registered. An empty or duplicate name, or a nil error, panics.
func RegisterError(name string, err error) {
	sentinels.mu.Lock()
	defer sentinels.mu.Unlock()
	if name == "" || err == nil {
		panic("procpool: RegisterError needs a name and an error")
	}
	if sentinels.errs[name] != nil {
		panic(fmt.Sprintf("procpool: error %q is registered twice: give each one a name of its own", name))
	}
	sentinels.names = append(sentinels.names, name)
	sentinels.errs[name] = err
}

// matching returns the names of the registered errors that err is.
func matching(err error) (names []string) {
	sentinels.mu.Lock()
	defer sentinels.mu.Unlock()
	for _, name := range sentinels.names {
		if errors.Is(err, sentinels.errs[name]) {
			names = append(names, name)
		}
	}
	return names
}

// named returns the registered errors of these names.
func named(names []string) (errs []error) {
	sentinels.mu.Lock()
	defer sentinels.mu.Unlock()
	for _, name := range names {
		if err := sentinels.errs[name]; err != nil {
			errs = append(errs, err)
		}
	}
	return errs
}
