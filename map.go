package procpool

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"github.com/procpool/procpool/internal/queue"
	"github.com/procpool/procpool/internal/wire"
)

// Map runs the task for every item and returns the results in order. Each item is a task of its own: counted, limited,
// retried and reported singly.
//
// It runs every item, then returns the successes in place, zero values elsewhere, and a *MapError if any failed. With
// CallOptions.FailFast the first error cancels the rest. If ctx ends, or the pool is closed before or terminated
// meanwhile, it returns the successes so far and that error itself.
func (t Task[In, Out]) Map(ctx context.Context, ex Executor, in []In) ([]Out, error) {
	r := t.MapAsync(ctx, ex, in)
	<-r.Done() // the end of ctx resolves it
	return r.value, r.err
}

// MapAsync is Map that does not wait. The items are encoded before it returns; if the queue is full, they enter as room
// appears. ID of the result is that of the first item, the others' follow.
func (t Task[In, Out]) MapAsync(ctx context.Context, ex Executor, in []In) *AsyncResult[[]Out] {
	m := &mapping[Out]{task: t.core.name, item: t.core, opts: t.options()}
	r := &m.AsyncResult
	r.desk = ex.Desk()
	m.values = make([]Out, len(in))
	r.value = m.values
	r.call.Task, r.call.Sink, r.call.Deadline = &m.opts.task, m, deadlineOf(ctx)
	err := ctx.Err()
	if err == nil {
		err = m.opts.err
	}
	if err != nil || len(in) == 0 {
		r.fail(err)
		return r
	}
	var ends []uint64
	r.call.Data, ends = encodeItems(t, in, m)
	r.call.Many = &ends
	r.call.Holes = len(m.failures) > 0
	m.left = len(in) - len(m.failures)
	if m.left == 0 || m.opts.failFast && len(m.failures) > 0 {
		r.fail(m.failure())
		return r
	}
	if _, err := r.desk.Submit(&r.call, true, nil); err != nil {
		r.fail(err)
		return r
	}
	r.watch(ctx)
	return r
}

const (
	roomAhead  = 64       // how much room there is mostly for the next item
	mostDouble = 16 << 20 // the size up to which room is doubled; append grows it by a quarter at a time
)

// encodeItems encodes all items, one after another, in memory that is doubled while it is small: append alone would copy most
// of it some twenty times. Those that cannot be encoded fail.
func encodeItems[In, Out any](t Task[In, Out], in []In, m *mapping[Out]) (data []byte, ends []uint64) {
	ends = make([]uint64, 1, len(in)+1)
	for i := range in {
		from := len(data)
		if cap(data)-from < roomAhead {
			data = slices.Grow(data, max(roomAhead, min(from, mostDouble)))
		}
		grown, err := t.core.in.Append(data, &in[i])
		if err == nil && len(grown)-from > wire.MaxPayload {
			err = tooLarge(len(grown) - from)
		}
		if err != nil {
			m.failures = append(m.failures, &ItemError{i, &EncodeError{Task: m.task, Err: err}})
		} else {
			data = grown
		}
		ends = append(ends, uint64(len(data)))
	}
	return data, ends
}

// mapping is the result of a map, and the sink of its call.
type mapping[Out any] struct {
	AsyncResult[[]Out]
	task string
	item interface {
		decode(*queue.Outcome, *Out) error
	}
	opts   *callOptions
	values []Out

	mu       sync.Mutex
	sealed   bool // values is the caller's now
	left     int
	failures []*ItemError
}

func (c *taskCore[In, Out]) decode(o *queue.Outcome, v *Out) error {
	return decodeOutcome(c.out, c.name, o, v)
}

// Resolve takes the outcomes of items that follow each other.
func (m *mapping[Out]) Resolve(from int32, all []queue.Outcome) {
	values := make([]Out, len(all)) // decoded without the lock: a type's own decoder may do anything
	late := false
	for i := range all {
		all[i].Err = m.item.decode(&all[i], &values[i])
		if late = outOfTime(&m.call, all[i].Err); late {
			values = values[:i]
			break
		}
	}
	m.mu.Lock()
	used, fast := m.takeLocked(int(from), values, all)
	last := used > 0 && m.sealed
	m.mu.Unlock()
	fast = late && m.abort(context.DeadlineExceeded) || fast
	for i := range all[used:] {
		all[used+i].Unused = true
	}
	if last {
		m.fail(m.failure())
	}
	if fast { // nobody else cancels what is resolved
		m.desk.Cancel(&m.call)
	}
}

// takeLocked keeps outcomes until the mapping is sealed. It returns how many it has used, and whether it failed fast.
func (m *mapping[Out]) takeLocked(from int, values []Out, all []queue.Outcome) (used int, fast bool) {
	for i := range values {
		if m.sealed {
			break
		}
		if err := all[i].Err; err != nil {
			m.failures = append(m.failures, &ItemError{from + i, err})
			fast = m.opts.failFast
		} else {
			m.values[from+i] = values[i]
		}
		m.left--
		used++
		m.sealed = m.left == 0 || fast
	}
	return used, fast
}

// failure returns the error of the map; nil if no item failed. The mapping is sealed, or not yet submitted.
func (m *mapping[Out]) failure() error {
	if len(m.failures) == 0 {
		return nil
	}
	slices.SortFunc(m.failures, func(a, b *ItemError) int { return cmp.Compare(a.Index, b.Index) })
	return &MapError{Items: m.failures, Total: len(m.values)}
}

// Abort resolves the map with the successes so far.
func (m *mapping[Out]) Abort(err error) { m.abort(err) }

// abort is Abort. It reports whether the map was not resolved before.
func (m *mapping[Out]) abort(err error) bool {
	m.mu.Lock()
	over := m.sealed
	m.sealed = true
	m.mu.Unlock()
	if !over {
		m.fail(err)
	}
	return !over
}
