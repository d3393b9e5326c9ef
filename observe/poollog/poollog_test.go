package poollog_test

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/procpool/procpool/event"
	"github.com/procpool/procpool/observe/poollog"
)

var (
	at       = event.At{Time: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	task     = event.Task{ID: 7, Name: "thumb", Attempt: 1}
	worker   = event.Worker{Name: "SpawnPoolWorker-3", PID: 42}
	errFault = errors.New("no such file")
)

// Each event is one line, at its own time.
func TestLines(t *testing.T) {
	for _, c := range []struct {
		e    event.Event
		want string
	}{
		{event.TaskQueued{At: at, Task: task}, `DEBUG msg="task queued" task=thumb id=7`},
		{event.TaskStarted{At: at, Task: task, Worker: worker, Wait: time.Second}, `DEBUG msg="task started" task=thumb id=7 worker=SpawnPoolWorker-3 pid=42 wait=1s`},
		{event.TaskFinished{At: at, Task: task, Worker: worker, Wait: 1, Run: 2}, `DEBUG msg="task finished" task=thumb id=7 worker=SpawnPoolWorker-3 pid=42 wait=1ns run=2ns`},
		{event.TaskFinished{At: at, Task: task, Err: errFault}, `WARN msg="task failed" task=thumb id=7 wait=0s run=0s error="no such file"`},
		{event.TaskRetried{At: at, Task: event.Task{ID: 7, Name: "thumb", Attempt: 2}, Worker: worker, Err: errFault}, `WARN msg="task retried" task=thumb id=7 attempt=2 worker=SpawnPoolWorker-3 pid=42 error="no such file"`},
		{event.TaskTimedOut{At: at, Task: task, Worker: worker, After: time.Second, Dump: "stacks"}, `WARN msg="task timed out" task=thumb id=7 worker=SpawnPoolWorker-3 pid=42 after=1s dump=stacks`},
		{event.WorkerRetiring{At: at, Worker: worker, Reason: event.ReasonMemory, Why: event.Figures{Memory: 9, Bytes: 8, Age: time.Hour}}, `INFO msg="worker retiring" worker=SpawnPoolWorker-3 pid=42 reason=memory memory=9 bytes=8 age=1h0m0s`},
		{event.WorkerExited{At: at, Worker: worker, Reason: event.ReasonTaskLimit, Tasks: 5, Lived: time.Minute}, `INFO msg="worker exited" worker=SpawnPoolWorker-3 pid=42 reason=task_limit tasks=5 lived=1m0s`},
		{event.WorkerExited{At: at, Worker: worker, Reason: event.ReasonKilled, Cause: event.CauseKilledOutside, ExitCode: -1, Signal: 9, Stderr: "aua"}, `WARN msg="worker exited" worker=SpawnPoolWorker-3 pid=42 reason=killed tasks=0 lived=0s cause="killed from outside" exit_code=-1 signal=9 stderr=aua`},
		{event.CircuitOpened{At: at, Err: errFault}, `ERROR msg="pool cannot start workers" error="no such file"`},
		{event.PoolClosed{At: at, Terminated: true}, `INFO msg="pool terminated"`},
		{event.Dropped{At: at, Count: 3}, `WARN msg="events dropped" count=3`},
	} {
		var b bytes.Buffer
		poollog.New(slog.New(slog.NewTextHandler(&b, &slog.HandlerOptions{Level: slog.LevelDebug})))(c.e)
		if want := "time=2026-01-02T03:04:05.000Z level=" + c.want + "\n"; b.String() != want {
			t.Errorf("%T is\n%swant\n%s", c.e, b.String(), want)
		}
	}
}

// No event is unknown.
func TestAllEvents(t *testing.T) {
	var b bytes.Buffer
	log := poollog.New(slog.New(slog.NewTextHandler(&b, &slog.HandlerOptions{Level: slog.LevelDebug})))
	for _, e := range []event.Event{
		event.TaskQueued{},
		event.TaskStarted{},
		event.TaskFinished{},
		event.TaskRequeued{},
		event.TaskRetried{},
		event.TaskCanceled{},
		event.TaskTimedOut{},
		event.WorkerSpawned{},
		event.WorkerReady{},
		event.WorkerRetiring{},
		event.WorkerExited{},
		event.WorkerStartFailed{},
		event.WorkerMisconfigured{},
		event.PoolResized{},
		event.CircuitOpened{},
		event.CircuitClosed{},
		event.PoolClosed{},
		event.CallbackPanicked{},
		event.Dropped{},
	} {
		log(e)
	}
	if strings.Contains(b.String(), "later version") {
		t.Error(b.String())
	}
}
