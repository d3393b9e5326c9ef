package procpool

import (
	"errors"
	"fmt"
	"syscall"

	"github.com/procpool/procpool/internal/queue"
	"github.com/procpool/procpool/internal/supervisor"
	"github.com/procpool/procpool/internal/wire"
)

// The rooms below return facts; here they become the errors that users see.

// describe tells a function's error to the pool. It runs in the worker.
func describe(err error) wire.MessageError {
	m := wire.MessageError{Kind: wire.KindError, Type: fmt.Sprintf("%T", err), Message: err.Error(), Sentinels: matching(err)}
	if te, ok := errors.AsType[*TaskError](err); ok { // of a pool inside the worker
		m.Stack = te.Stack
	}
	return m
}

// errorOf makes the error of a task from how its attempt ended.
func errorOf(task string, o *queue.Outcome) error {
	if f, ok := errors.AsType[*queue.Failed](o.Err); ok {
		return failedError(task, o.Worker, f)
	}
	if f, ok := errors.AsType[*queue.Died](o.Err); ok {
		return &WorkerError{
			Task: task, Worker: o.Worker, PID: f.PID, ExitCode: f.ExitCode, Signal: syscall.Signal(f.Signal),
			Cause: f.Cause, Stderr: withDump(f.Stderr, f.Dump), Attempt: o.Attempt, detail: f.Detail,
		}
	}
	return o.Err
}

func failedError(task, worker string, f *queue.Failed) error {
	switch f.Kind {
	case wire.KindUnknown:
		return fmt.Errorf("%w: %q: %s", ErrUnknownTask, task, f.Message)
	case wire.KindArgument, wire.KindResult:
		return &EncodeError{Task: task, Result: f.Kind == wire.KindResult, Err: errors.New(f.Message)}
	}
	return &TaskError{
		Task: task, Worker: worker, Type: f.Type, Message: f.Message, Stack: f.Stack,
		Panic: f.Kind == wire.KindPanic, matches: named(f.Sentinels),
	}
}

// startError makes the error that tasks get while workers cannot start.
func startError(f *supervisor.StartFault) error {
	return &StartError{
		Attempts: f.Attempts, ExitCode: f.ExitCode, Signal: syscall.Signal(f.Signal), Stderr: f.Stderr, Err: f.Err,
	}
}
