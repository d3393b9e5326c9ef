package procpool

import (
	"context"
	"iter"
)

// Item is one result of IMapUnordered.
type Item[Out any] struct {
	Index int // in the input; -1 for a failure of the whole
	Value Out
	Err   error
}

// IMap runs the task for each value of in, and yields the results in input order. Nothing starts until the sequence is
// ranged over; each range runs it anew. The input runs on a goroutine of its own, never more than CallOptions.Window
// values ahead of the consumer, so that memory is bounded for inputs of any length.
//
// An item that fails yields an *ItemError at its place, and the iteration goes on. After break, or when ctx ends, the
// loop returns at once, what is left is canceled, and the input's goroutine ends when the input next yields. A failure of
// the whole (ctx, ErrClosed, ErrTerminated) is yielded once, without *ItemError, and ends the sequence. A panic in the
// input reaches the consumer.
func (t Task[In, Out]) IMap(ctx context.Context, ex Executor, in iter.Seq[In]) iter.Seq2[Out, error] {
	return func(yield func(Out, error) bool) {
		run := newStream(ctx, t, ex, true)
		defer run.stop()
		go run.produce(in) // ends with the input, or at stop and when the input next yields; nobody waits for a stuck input
		for it := range run.items {
			if it.Err != nil && it.Index >= 0 {
				it.Err = &ItemError{it.Index, it.Err}
			}
			if !yield(it.Value, it.Err) {
				return
			}
		}
	}
}

// IMapUnordered is IMap that yields results as they come, each with the index of its input. Err of an item is the
// task's error itself.
func (t Task[In, Out]) IMapUnordered(ctx context.Context, ex Executor, in iter.Seq[In]) iter.Seq[Item[Out]] {
	return func(yield func(Item[Out]) bool) {
		run := newStream(ctx, t, ex, false)
		defer run.stop()
		go run.produce(in) // ends with the input, or at stop and when the input next yields; nobody waits for a stuck input
		run.items(yield)
	}
}
