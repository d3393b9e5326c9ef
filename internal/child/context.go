package child

import (
	"bytes"
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/procpool/procpool/internal/wire"
)

// taskContext is the context of one task. Most functions never look at theirs, so what a context costs is made when it is
// first asked for.
type taskContext struct {
	server  *server
	task    *Task
	seq, id uint64
	nth     int // of the tasks that the worker started
	attempt int32
	state   atomic.Uint32 // bits, see below

	mu   sync.Mutex
	more *details // nil until needed
}

// details are what few contexts need. They are guarded by taskContext.mu.
type details struct {
	metadata []byte
	deadline time.Time
	inner    context.Context // nil until asked for
	stop     context.CancelCauseFunc
	err      error // why it ended before the function returned
}

// The state of a context. A task that never looks at its context, nobody cancels, and nobody asks about, ends it with one
// exchange of this word; who does any of that holds mu.
const (
	touched = 1 << iota // end has to look
	over                // the function has returned
)

const slabSize = 32

// newContext makes the context of a call that starts now, and makes it the current one.
func (s *server) newContext(task *Task, seq uint64, info *wire.CallInfo) *taskContext {
	if len(s.slab) == 0 {
		s.slab = make([]taskContext, slabSize)
	}
	c := &s.slab[0]
	s.slab = s.slab[1:]
	c.server, c.task, c.seq = s, task, seq
	c.id, c.attempt, c.nth = info.ID, int32(info.Attempt), s.started
	if info.Metadata != nil || info.Deadline != 0 || info.Timeout > 0 {
		c.more = &details{metadata: bytes.Clone(info.Metadata), deadline: deadline(info)}
	}
	s.current.Store(c)
	if s.over.Load() || s.canceled.Load() == seq { // the cancel frame overtook the call
		c.cancel(context.Canceled)
	}
	return c
}

func (c *taskContext) moreLocked() *details {
	if c.more == nil {
		c.more = &details{}
	}
	return c.more
}

// get returns the real context, made at the first call.
func (c *taskContext) get() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	m := c.moreLocked()
	if m.inner != nil {
		return m.inner
	}
	if c.state.Or(touched)&over != 0 && m.err == nil {
		m.err = context.Canceled
	}
	ctx, stop := context.WithCancelCause(context.Background())
	m.stop = stop
	if m.err == nil && !m.deadline.IsZero() {
		var done context.CancelFunc
		ctx, done = context.WithDeadline(ctx, m.deadline)
		m.stop = func(cause error) { stop(cause); done() }
	}
	if m.err != nil {
		m.stop(m.err)
	}
	m.inner = ctx
	return ctx
}

// cancel ends the context.
func (c *taskContext) cancel(err error) {
	c.mu.Lock()
	m := c.moreLocked()
	stop := m.stop
	if m.err == nil {
		m.err = err
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

// Deadline implements context.Context.
func (c *taskContext) Deadline() (time.Time, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	d := c.moreLocked().deadline
	return d, !d.IsZero()
}

func (c *taskContext) Done() <-chan struct{} { return c.get().Done() }
func (c *taskContext) Err() error            { return c.get().Err() }

func (c *taskContext) metadata() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.moreLocked().metadata
}

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
	t = TaskInfo{ID: c.id, Name: c.task.Name, Attempt: int(c.attempt)}
	if encoded := c.metadata(); encoded != nil {
		wire.Unmarshal(wire.Call, encoded, &t.Metadata) // the pool encoded it
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
