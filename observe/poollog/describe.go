package poollog

import (
	"log/slog"
	"time"

	"github.com/procpool/procpool/event"
)

// describe puts an event into words.
func describe(e event.Event) (message string, attrs []slog.Attr) {
	switch e := e.(type) {
	case event.TaskQueued:
		return "task queued", task(e.Task)
	case event.TaskStarted:
		return "task started", append(on(e.Task, e.Worker), slog.Duration("wait", e.Wait))
	case event.TaskFinished:
		attrs := append(on(e.Task, e.Worker), slog.Duration("wait", e.Wait), slog.Duration("run", e.Run))
		if e.Err != nil {
			return "task failed", append(attrs, failure(e.Err))
		}
		return "task finished", attrs
	case event.TaskRequeued:
		return "task requeued", on(e.Task, e.Worker)
	case event.TaskRetried:
		return "task retried", append(on(e.Task, e.Worker), failure(e.Err))
	case event.TaskCanceled:
		return "task canceled", append(on(e.Task, e.Worker), failure(e.Err))
	case event.TaskTimedOut:
		return "task timed out", append(on(e.Task, e.Worker), slog.Duration("after", e.After), slog.String("dump", e.Dump))
	}
	if message, attrs = describeWorker(e); message != "" {
		return message, attrs
	}
	return describePool(e)
}

func describeWorker(e event.Event) (message string, attrs []slog.Attr) {
	switch e := e.(type) {
	case event.WorkerSpawned:
		return "worker spawned", worker(e.Worker)
	case event.WorkerReady:
		return "worker ready", append(worker(e.Worker), slog.Duration("took", e.Took))
	case event.WorkerRetiring:
		return "worker retiring", append(worker(e.Worker), reason(e.Reason, e.Why)...)
	case event.WorkerExited:
		return "worker exited", append(worker(e.Worker), exit(e)...)
	case event.WorkerStartFailed:
		return "worker start failed", append(worker(e.Worker),
			failure(e.Err), slog.Int("row", e.Row), slog.Duration("backoff", e.Backoff))
	case event.WorkerMisconfigured:
		return "worker over its limit from the start", append(worker(e.Worker), reason(e.Reason, e.Why)...)
	}
	return "", nil
}

func describePool(e event.Event) (message string, attrs []slog.Attr) {
	switch e := e.(type) {
	case event.PoolResized:
		return "pool resized", []slog.Attr{slog.Int("from", e.From), slog.Int("to", e.To), slog.String("reason", e.Reason)}
	case event.CircuitOpened:
		return "pool cannot start workers", []slog.Attr{failure(e.Err)}
	case event.CircuitClosed:
		return "pool can start workers again", nil
	case event.PoolClosed:
		if e.Terminated {
			return "pool terminated", nil
		}
		return "pool closed", nil
	case event.Dropped:
		return "events dropped", []slog.Attr{slog.Uint64("count", e.Count)}
	case event.CallbackPanicked:
		return "callback panicked", []slog.Attr{slog.Any("value", e.Value), slog.String("stack", e.Stack)}
	}
	return "event of a later version", []slog.Attr{slog.Any("event", e)}
}

func task(t event.Task) []slog.Attr {
	attrs := []slog.Attr{slog.String("task", t.Name), slog.Uint64("id", t.ID)}
	if t.Attempt > 1 {
		attrs = append(attrs, slog.Int("attempt", t.Attempt))
	}
	return attrs
}

func worker(w event.Worker) []slog.Attr {
	if w.Name == "" {
		return nil
	}
	return []slog.Attr{slog.String("worker", w.Name), slog.Int("pid", w.PID)}
}

func on(t event.Task, w event.Worker) []slog.Attr { return append(task(t), worker(w)...) }

func failure(err error) slog.Attr { return slog.Any("error", err) }

// reason tells why a worker leaves, with the figures that played a part.
func reason(r event.Reason, f event.Figures) []slog.Attr {
	attrs := []slog.Attr{slog.String("reason", string(r))}
	for _, n := range []struct {
		name  string
		value uint64
	}{
		{"tasks", uint64(f.Tasks)},
		{"limit", uint64(f.Limit)},
		{"memory", f.Memory},
		{"baseline", f.Baseline},
		{"bytes", f.Bytes},
	} {
		if n.value > 0 {
			attrs = append(attrs, slog.Uint64(n.name, n.value))
		}
	}
	for _, d := range []struct {
		name  string
		value time.Duration
	}{{"age", f.Age}, {"idle", f.Idle}, {"run", f.Run}, {"timeout", f.Timeout}} {
		if d.value > 0 {
			attrs = append(attrs, slog.Duration(d.name, d.value))
		}
	}
	return attrs
}

func exit(e event.WorkerExited) []slog.Attr {
	attrs := []slog.Attr{slog.String("reason", string(e.Reason)), slog.Int("tasks", e.Tasks), slog.Duration("lived", e.Lived)}
	if e.Reason.Planned() {
		return attrs
	}
	attrs = append(attrs, slog.String("cause", e.Cause.String()), slog.Int("exit_code", e.ExitCode))
	if e.Signal != 0 {
		attrs = append(attrs, slog.Int("signal", e.Signal))
	}
	if e.Stderr != "" {
		attrs = append(attrs, slog.String("stderr", e.Stderr))
	}
	return attrs
}
