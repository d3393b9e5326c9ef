// Package kind sorts what can go wrong with a task, for labels.
package kind

import (
	"context"
	"errors"
	"strings"

	"github.com/procpool/procpool"
)

// Of returns one word for an error of a task. There are about twenty.
func Of(err error) string {
	if e, ok := errors.AsType[*procpool.WorkerError](err); ok {
		return strings.ReplaceAll(e.Cause.String(), " ", "_")
	}
	if e, ok := errors.AsType[*procpool.TaskError](err); ok {
		return pick(e.Panic, "panic", "error")
	}
	if e, ok := errors.AsType[*procpool.EncodeError](err); ok {
		return pick(e.Result, "encode_result", "encode_argument")
	}
	if _, ok := errors.AsType[*procpool.StartError](err); ok {
		return "start"
	}
	for _, k := range sentinels {
		if errors.Is(err, k.err) {
			return k.word
		}
	}
	return "other"
}

var sentinels = []struct {
	err  error
	word string
}{
	{procpool.ErrUnknownTask, "unknown_task"},
	{procpool.ErrTerminated, "terminated"},
	{procpool.ErrClosed, "closed"},
	{context.DeadlineExceeded, "deadline"},
	{context.Canceled, "canceled"},
}

func pick(yes bool, a, b string) string {
	if yes {
		return a
	}
	return b
}
