package procpool_test

import (
	"context"
	"io"
	"iter"
	"syscall"
	"testing"
	"time"

	"github.com/procpool/procpool"
	"github.com/procpool/procpool/event"
)

// The public API, as programs outside are compiled against it: it may be added to, not changed. That this compiles is the
// test.
var (
	_ func(string, func(context.Context, int) (string, error)) procpool.Task[int, string]                                         = procpool.Define[int, string]
	_ func(string, func(context.Context, int, bool) (string, error)) procpool.Task[procpool.Args2[int, bool], string]             = procpool.Define2[int, bool, string]
	_ func(string, func(context.Context, int, bool, byte) (string, error)) procpool.Task[procpool.Args3[int, bool, byte], string] = procpool.Define3[int, bool, byte, string]
	_ func(int, bool) procpool.Args2[int, bool]                                                                                   = procpool.Two[int, bool]
	_ func(int, bool, byte) procpool.Args3[int, bool, byte]                                                                       = procpool.Three[int, bool, byte]
	_ func(string) procpool.Task[int, string]                                                                                     = procpool.Declare[int, string]
	_ func(procpool.Task[int, string]) string                                                                                     = procpool.Task[int, string].Name
	_ func(procpool.Task[int, string], procpool.CallOptions) procpool.Task[int, string]                                           = procpool.Task[int, string].With
	_ func(procpool.Task[int, string], context.Context, procpool.Executor, int) (string, error)                                   = procpool.Task[int, string].Apply
	_ func(procpool.Task[int, string], context.Context, procpool.Executor, int) *procpool.AsyncResult[string]                     = procpool.Task[int, string].ApplyAsync
	_ func(procpool.Task[int, string], context.Context, procpool.Executor, []int) ([]string, error)                               = procpool.Task[int, string].Map
	_ func(procpool.Task[int, string], context.Context, procpool.Executor, []int) *procpool.AsyncResult[[]string]                 = procpool.Task[int, string].MapAsync
	_ func(procpool.Task[int, string], context.Context, procpool.Executor, iter.Seq[int]) iter.Seq2[string, error]                = procpool.Task[int, string].IMap
	_ func(procpool.Task[int, string], context.Context, procpool.Executor, iter.Seq[int]) iter.Seq[procpool.Item[string]]         = procpool.Task[int, string].IMapUnordered
	_ func(context.Context) (procpool.TaskInfo, bool)                                                                             = procpool.CurrentTask
	_ func(context.Context) (procpool.WorkerInfo, bool)                                                                           = procpool.CurrentWorker
	_ func(context.Context)                                                                                                       = procpool.RetireWorker
	_ func()                                                                                                                      = procpool.WorkerMain
	_ func(procpool.Config) (*procpool.Pool, error)                                                                               = procpool.New
	_ func(string, error)                                                                                                         = procpool.RegisterError
	_ func(string, func(context.Context, int) (func(), error)) procpool.InitializerDef[int]                                       = procpool.DefineInitializer[int]
	_ func(string) procpool.InitializerDef[int]                                                                                   = procpool.DeclareInitializer[int]
	_ func(procpool.InitializerDef[int], int) procpool.Initializer                                                                = procpool.InitializerDef[int].Bind
	_ func() procpool.StartMethod                                                                                                 = procpool.Spawn
	_ func(string, ...string) procpool.StartMethod                                                                                = procpool.Command
	_ func(string, ...string) procpool.StartMethod                                                                                = procpool.Lines
	_ func() procpool.StartMethod                                                                                                 = procpool.Goroutines
	_ procpool.Executor                                                                                                           = (*procpool.Pool)(nil)
	_ interface {
		WaitReady(context.Context) error
		Close()
		Join(context.Context) error
		Terminate()
		Shutdown(context.Context) error
		Resize(int) error
		Recycle(context.Context) error
		Stats() procpool.Stats
		Workers() []procpool.WorkerInfo
	} = (*procpool.Pool)(nil)
	_ interface {
		ID() uint64
		Get(context.Context) (int, error)
		Wait(context.Context) error
		Done() <-chan struct{}
		Ready() bool
		Successful() bool
		Cancel()
		OnSuccess(func(int)) *procpool.AsyncResult[int]
		OnError(func(error)) *procpool.AsyncResult[int]
	} = (*procpool.AsyncResult[int])(nil)
	_ = procpool.Config{
		Processes: 1, MaxTasksPerChild: 1,
		Recycle: procpool.Recycle{
			Jitter: 0.1, Memory: uint64(1), Growth: uint64(1), HardMemory: uint64(1), Age: time.Second, Idle: time.Second,
			OnPanic: true, When: func(procpool.WorkerInfo) bool { return false },
		},
		Spares: 1, Scale: procpool.Scale{Min: 1, Max: 2, Wait: time.Second, Idle: time.Second},
		Initializer: procpool.Initializer{}, StartMethod: procpool.StartMethod{},
		Queue: procpool.Queue{Limit: 1, Reject: true}, Restart: procpool.Restart{MaxFailures: 1, Backoff: time.Second, MaxBackoff: time.Second},
		TaskTimeout: time.Second, Grace: time.Second, StartTimeout: time.Second, Stdout: io.Discard, Stderr: io.Discard,
		Env: []string{"A=b"}, Dir: "/", SysProcAttr: &syscall.SysProcAttr{}, OnEvent: func(event.Event) {},
	}
	_ = procpool.CallOptions{Timeout: time.Second, Retries: 1, Priority: 1, Window: 1, FailFast: true, Metadata: map[string]string{}}
	_ = procpool.WorkerInfo{
		Name: "", PID: 0, State: procpool.State(""), Running: 0, Task: "", Tasks: 0, Started: time.Time{}, Memory: uint64(0),
		Reason: procpool.Reason(""),
	}
	_ = procpool.Stats{
		Processes: 0, Ready: 0, Busy: 0, Queued: 0, Running: 0, Submitted: uint64(0), Succeeded: uint64(0), Failed: uint64(0),
		Canceled: uint64(0), Requeued: uint64(0), Retried: uint64(0), Started: uint64(0), WaitTotal: time.Second,
		RunTotal: time.Second, Exits: map[procpool.Reason]uint64{}, Failing: error(nil),
	}
	_ = procpool.TaskInfo{ID: uint64(0), Name: "", Attempt: 1, Metadata: map[string]string{}}
	_ = procpool.Item[int]{Index: 0, Value: 0, Err: nil}
	_ = procpool.TaskError{Task: "", Worker: "", Type: "", Message: "", Stack: "", Panic: false}
	_ = procpool.WorkerError{
		Task: "", Worker: "", PID: 0, ExitCode: 0, Signal: syscall.Signal(0), Cause: procpool.CauseCrashed, Stderr: "", Attempt: 1,
	}
	_ = procpool.StartError{Attempts: 0, ExitCode: 0, Signal: syscall.Signal(0), Stderr: "", Err: nil}
	_ = procpool.EncodeError{Task: "", Result: false, Err: nil}
	_ = procpool.ItemError{Index: 0, Err: nil}
	_ = procpool.MapError{Items: []*procpool.ItemError{}, Total: 0}
	_ = []error{procpool.ErrClosed, procpool.ErrTerminated, procpool.ErrRunning, procpool.ErrQueueFull, procpool.ErrUnknownTask}
	_ = []procpool.Cause{
		procpool.CauseCrashed, procpool.CauseExited, procpool.CauseKilledOutside, procpool.CauseOutOfMemory,
		procpool.CauseTimedOut, procpool.CauseProtocol, procpool.CauseCanceled, procpool.CauseTerminated,
	}
	_ = procpool.View(nil)
)

func TestReasonsAreTheirNames(t *testing.T) {
	for reason, name := range map[procpool.Reason]string{
		procpool.ReasonTaskLimit: "task_limit", procpool.ReasonMemory: "memory", procpool.ReasonGrowth: "growth",
		procpool.ReasonAge: "age", procpool.ReasonIdle: "idle", procpool.ReasonAsked: "asked", procpool.ReasonRolling: "rolling",
		procpool.ReasonShrink: "shrink", procpool.ReasonPanic: "panic", procpool.ReasonCrashed: "crashed",
		procpool.ReasonExited: "exited", procpool.ReasonKilled: "killed", procpool.ReasonTimedOut: "timed_out",
		procpool.ReasonCanceled: "canceled", procpool.ReasonOutOfMemory: "out_of_memory", procpool.ReasonProtocol: "protocol",
		procpool.ReasonStartFailed: "start_failed", procpool.ReasonTerminated: "terminated", procpool.ReasonClosed: "closed",
	} {
		if string(reason) != name {
			t.Errorf("%q, want %q", reason, name)
		}
	}
}
