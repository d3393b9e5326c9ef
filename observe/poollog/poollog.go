// Package poollog writes what happens in a pool to a [slog.Logger].
//
//	procpool.New(procpool.Config{OnEvent: poollog.New(slog.Default())})
package poollog

import (
	"context"
	"log/slog"

	"github.com/procpool/procpool/event"
)

// New returns an observer that writes each event to log, at the time of the event. What tasks and workers do in the
// normal course is Debug; that a worker leaves as planned, or the pool changes, is Info; that a task fails or a worker dies
// is Warn; that the pool cannot work is Error. Events of a level that is not enabled cost next to nothing.
func New(log *slog.Logger) func(event.Event) {
	h := log.Handler()
	return func(e event.Event) {
		level := levelOf(e)
		ctx := context.Background()
		if !h.Enabled(ctx, level) {
			return
		}
		message, attrs := describe(e)
		r := slog.NewRecord(e.When(), level, message, 0)
		r.AddAttrs(attrs...)
		_ = h.Handle(ctx, r) // as slog.Logger does
	}
}

func levelOf(e event.Event) slog.Level {
	switch e := e.(type) {
	case event.TaskFinished:
		return warnIf(e.Err != nil, slog.LevelDebug)
	case event.WorkerExited:
		return warnIf(!e.Reason.Planned(), slog.LevelInfo)
	case event.TaskRetried, event.TaskTimedOut, event.WorkerStartFailed, event.WorkerMisconfigured, event.Dropped:
		return slog.LevelWarn
	case event.WorkerRetiring, event.PoolResized, event.PoolClosed, event.CircuitClosed:
		return slog.LevelInfo
	case event.CircuitOpened, event.CallbackPanicked:
		return slog.LevelError
	}
	return slog.LevelDebug
}

func warnIf(bad bool, normal slog.Level) slog.Level {
	if bad {
		return slog.LevelWarn
	}
	return normal
}
