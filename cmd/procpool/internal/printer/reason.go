package printer

import (
	"context"
	"errors"
	"strings"

	"github.com/procpool/procpool"
	"github.com/procpool/procpool/cmd/procpool/internal/items"
)

// reason tells why an item failed, without what every failure would repeat.
func reason(err error) string {
	if e, ok := errors.AsType[*procpool.TaskError](err); ok {
		return taskReason(e)
	}
	if e, ok := errors.AsType[*procpool.WorkerError](err); ok {
		return strings.TrimPrefix(e.Error(), "task "+e.Task+": ")
	}
	if e, ok := errors.AsType[*procpool.EncodeError](err); ok {
		return e.Err.Error()
	}
	return err.Error()
}

func taskReason(e *procpool.TaskError) string {
	switch {
	case e.Panic:
		return "panic: " + e.Message
	case errors.Is(e, context.DeadlineExceeded):
		return "timed out"
	case e.Type == "" || strings.Contains(e.Type, "*"): // Go's types tell a user nothing
		return e.Message
	case e.Message == "":
		return e.Type
	}
	return e.Type + ": " + e.Message
}

// cause tells in a word, for programs, what kind of failure it was.
func cause(err error) string {
	if e, ok := errors.AsType[*procpool.WorkerError](err); ok {
		return string(e.Cause.Reason())
	}
	if e, ok := errors.AsType[*procpool.TaskError](err); ok {
		return taskCause(e)
	}
	if _, ok := errors.AsType[*items.InputError](err); ok {
		return "input"
	}
	return "value"
}

func taskCause(e *procpool.TaskError) string {
	switch {
	case e.Panic:
		return "panic"
	case errors.Is(e, context.DeadlineExceeded):
		return string(procpool.ReasonTimedOut)
	}
	return "error"
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
