package child

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/procpool/procpool/internal/wire"
)

// taskContext is the context of one task. Most functions never look at theirs, so what a context costs is made when it is
// first asked for.
type taskContext struct {
	server   *server
	seq      uint64
	task     string
	id       uint64
	attempt  int
	nth      int // of the tasks that the worker started
	metadata []byte
	deadline time.Time

	state atomic.Uint32 // bits, see below

	mu    sync.Mutex
	inner context.Context // nil until asked for
	stop  context.CancelCauseFunc
	err   error // why it ended before the function returned
}

// The state of a context. A task that never looks at its context, nobody cancels, and nobody asks about, ends it with one
// exchange of this word; who does any of that holds mu.
const (
	touched = 1 << iota // end has to look
	over                // the function has returned
)

const slabSize = 32

// newContext makes the context of a call that starts now, and makes it the current one.
func (s *server) newContext(task string, seq uint64, info *wire.CallInfo) *taskContext {
	if len(s.slab) == 0 {
		s.slab = make([]taskContext, slabSize)
	}
	c := &s.slab[0]
	s.slab = s.slab[1:]
	c.server, c.seq, c.task = s, seq, task
	c.id, c.attempt, c.nth = info.ID, info.Attempt, s.started
	if info.Metadata != nil {
		c.metadata = append([]byte(nil), info.Metadata...)
	}
	if info.Deadline != 0 || info.Timeout > 0 {
		c.deadline = deadline(info)
	}
	s.current.Store(c)
	if s.over.Load() || s.canceled.Load() == seq { // the cancel frame overtook the call
		c.cancel(context.Canceled)
	}
	return c
}

// get returns the real context, made at the first call.
func (c *taskContext) get() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.inner != nil {
		return c.inner
	}
	if c.state.Or(touched)&over != 0 && c.err == nil {
		c.err = context.Canceled
	}
	ctx, stop := context.WithCancelCause(context.Background())
	c.stop = stop
	if c.err == nil && !c.deadline.IsZero() {
		var done context.CancelFunc
		ctx, done = context.WithDeadline(ctx, c.deadline)
		c.stop = func(cause error) { stop(cause); done() }
	}
	if c.err != nil {
		c.stop(c.err)
	}
	c.inner = ctx
	return ctx
}

// cancel ends the context.
func (c *taskContext) cancel(err error) {
	c.mu.Lock()
	stop := c.stop
	if c.err == nil {
		c.err = err
	}
	c.mu.Unlock()
	if stop != nil {
		stop(err)
	}
}

// end ends the context after the function has returned, and releases its timer.
func (c *taskContext) end() {
	if c.state.Swap(over)&touched != 0 {
		c.cancel(context.Canceled)
	}
}

// running calls f unless the function has returned, which then waits for it.
func (c *taskContext) running(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state.Or(touched)&over == 0 {
		f()
	}
}

func (c *taskContext) Deadline() (time.Time, bool) { return c.deadline, !c.deadline.IsZero() }
func (c *taskContext) Done() <-chan struct{}       { return c.get().Done() }
func (c *taskContext) Err() error                  { return c.get().Err() }

type contextKey struct{}

// Value gives the context itself to this package, and everything else to the real context: the standard library asks
// a context for its parent that way.
func (c *taskContext) Value(key any) any {
	if key == (contextKey{}) {
		return c
	}
	return c.get().Value(key)
}

// TaskInfo is what a task can learn about itself.
type TaskInfo struct {
	ID       uint64
	Name     string
	Attempt  int
	Metadata map[string]string
}

// WorkerInfo is what a task can learn about its worker.
type WorkerInfo struct {
	Name  string
	PID   int
	Tasks int // started, this one included
}

// Current returns what the task that ctx belongs to can learn, if it belongs to one.
func Current(ctx context.Context) (t TaskInfo, w WorkerInfo, ok bool) {
	c, ok := ctx.Value(contextKey{}).(*taskContext)
	if !ok {
		return t, w, false
	}
	t = TaskInfo{ID: c.id, Name: c.task, Attempt: c.attempt}
	if c.metadata != nil {
		wire.Unmarshal(wire.Call, c.metadata, &t.Metadata) // the pool encoded it
	}
	return t, WorkerInfo{Name: c.server.name, PID: c.server.pid, Tasks: c.nth}, true
}

// Retire asks the pool to replace the worker of the task that ctx belongs to, after this task. The answer asks; a frame
// before it lets the successor start while the task still runs.
func Retire(ctx context.Context) {
	c, ok := ctx.Value(contextKey{}).(*taskContext)
	if !ok || c.server.retire.Swap(true) {
		return
	}
	c.running(func() { // while it runs, nobody else sends
		c.server.publish(wire.AppendFrame(nil, wire.Header{Type: wire.Leaving, Seq: c.seq}, nil)) // a broken channel shows elsewhere
	})
}
