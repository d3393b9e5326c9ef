package procpool

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/procpool/procpool/internal/child"
	"github.com/procpool/procpool/internal/codec"
	"github.com/procpool/procpool/internal/queue"
	"github.com/procpool/procpool/internal/wire"
)

// Task is a function that workers run, by name. It is a small value: copy it, keep it in a package-level variable. Make
// one with [Define] or [Declare]; the zero Task is not usable.
type Task[In, Out any] struct {
	core *taskCore[In, Out]
	opts *callOptions // nil: none
}

// taskCore is what the copies of a task share.
type taskCore[In, Out any] struct {
	name  string
	in    codec.Codec[In]
	out   codec.Codec[Out]
	plain callOptions // without options
}

// callOptions are CallOptions as the rooms want them.
type callOptions struct {
	task     queue.Task
	window   int
	failFast bool
	err      error // what is wrong with them
}

// CallOptions say how a task is to be run. A zero field means the default.
type CallOptions struct {
	Timeout  time.Duration     // per attempt, from when a worker starts it; 0: Config.TaskTimeout; < 0: none
	Retries  int               // how often a task whose WORKER died may run again; a task that returned an error is never retried
	Priority int               // higher first; equal priorities are first in, first out
	Window   int               // IMap: inputs read ahead of the consumer; 0: adapts between 4 × Processes and 4096, about 1 ms of work
	FailFast bool              // Map: the first error cancels the rest
	Metadata map[string]string // travels with the task: CurrentTask
}

// Name returns the name given to Define or Declare.
func (t Task[In, Out]) Name() string { return t.core.name }

// With returns a copy of the task with exactly these options: options of an earlier With do not stay.
func (t Task[In, Out]) With(o CallOptions) Task[In, Out] {
	opts := callOptions{
		task: queue.Task{
			Name: t.core.name, Spread: t.core.in.Spread(),
			Timeout: o.Timeout, Retries: o.Retries, Priority: o.Priority,
		},
		window: o.Window, failFast: o.FailFast,
	}
	if len(o.Metadata) > 0 {
		opts.task.Metadata = wire.Marshal(o.Metadata)
		opts.task.Labels = maps.Clone(o.Metadata)
	}
	switch {
	case o.Retries < 0:
		opts.err = fmt.Errorf("procpool: CallOptions.Retries is %d: use 0 for no retries", o.Retries)
	case o.Window < 0:
		opts.err = fmt.Errorf("procpool: CallOptions.Window is %d: use 0 for the default", o.Window)
	}
	return Task[In, Out]{core: t.core, opts: &opts}
}

func (t Task[In, Out]) options() *callOptions {
	if t.opts != nil {
		return t.opts
	}
	return &t.core.plain
}

// Executor runs tasks; *Pool is one. Only this repository's packages can make others.
type Executor interface {
	// Desk is for this repository's packages.
	Desk() queue.Desk
}

// Apply runs the task with the argument in and waits for its result. It is ApplyAsync and Get in one, and faster.
//
// When ctx ends, it returns ctx's error at once, and the task is removed or stopped. If the queue is full, it waits for
// room, or returns ErrQueueFull under Queue.Reject.
func (t Task[In, Out]) Apply(ctx context.Context, ex Executor, in In) (Out, error) {
	r := &AsyncResult[Out]{out: t.core.out}
	var w queue.Waiter = (*single[Out])(r)
	if ctx.Done() != nil {
		w = (*restless[Out])(r)
	}
	if t.submit(ctx, ex, &in, r, w) && !r.Ready() {
		r.watch(ctx)
		<-r.Done() // the end of ctx resolves it
	}
	return r.value, r.err
}

// ApplyAsync submits the task with the argument in. It does not wait for the result; if the queue is full, it waits for
// room until ctx ends, or gives a result that failed with ErrQueueFull under Queue.Reject. The argument is encoded before
// it returns.
//
// ctx governs the task: when it ends, the result resolves with its error, and the task is removed or stopped. Its
// deadline reaches the function's context; its values do not.
func (t Task[In, Out]) ApplyAsync(ctx context.Context, ex Executor, in In) *AsyncResult[Out] {
	r := &AsyncResult[Out]{out: t.core.out}
	if t.submit(ctx, ex, &in, r, nil) {
		r.watch(ctx)
	}
	return r
}

// submit hands in a single task. It reports whether it was accepted; if not, the result has failed.
func (t Task[In, Out]) submit(ctx context.Context, ex Executor, in *In, r *AsyncResult[Out], w queue.Waiter) bool {
	desk := ex.Desk()
	opts := t.options()
	r.desk = desk
	if err := ctx.Err(); err != nil {
		r.fail(err)
		return false
	}
	if opts.err != nil {
		r.fail(opts.err)
		return false
	}
	data, err := t.core.in.Append(argumentMemory(t.core.in.Size(in), r.buf[:0]), in)
	if err == nil && len(data) > wire.MaxPayload {
		err = tooLarge(len(data))
	}
	if err != nil {
		r.fail(&EncodeError{Task: t.core.name, Err: err})
		return false
	}
	c := &r.call
	c.Task, c.Data, c.Sink, c.Deadline = &opts.task, data, (*single[Out])(r), deadlineOf(ctx)
	entered, err := desk.Submit(c, false, w)
	if err == nil && entered != nil {
		err = awaitRoom(ctx, desk, c, entered)
	}
	if err != nil {
		r.fail(err)
		return false
	}
	return true
}

func tooLarge(n int) error {
	return fmt.Errorf("%d bytes are more than the limit of %d: send a file's name, or split it", n, wire.MaxPayload)
}

func deadlineOf(ctx context.Context) int64 {
	if d, ok := ctx.Deadline(); ok {
		return d.UnixNano()
	}
	return 0
}

// awaitRoom waits until a call is in the queue.
func awaitRoom(ctx context.Context, desk queue.Desk, c *queue.Call, entered <-chan struct{}) error {
	select {
	case <-entered:
	case <-ctx.Done():
	}
	switch ok, err := desk.Entered(c); {
	case ok:
		return nil
	case err != nil:
		return err
	default:
		return ctx.Err()
	}
}

// single is an AsyncResult as the sink of its call. It is a type of its own so that users do not see these methods.
type single[Out any] AsyncResult[Out]

// Ready makes it a waiter.
func (s *single[Out]) Ready() bool { return (*AsyncResult[Out])(s).Ready() }

// Restless implements queue.Waiter.
func (s *single[Out]) Restless() bool { return false }

// restless is single as a waiter whose context may end.
type restless[Out any] AsyncResult[Out]

func (s *restless[Out]) Ready() bool    { return (*AsyncResult[Out])(s).Ready() }
func (s *restless[Out]) Restless() bool { return true }

// Resolve takes the task's outcome.
func (s *single[Out]) Resolve(_ int32, all []queue.Outcome) {
	r, o := (*AsyncResult[Out])(s), &all[0]
	if !r.claim() {
		o.Unused = true
		return
	}
	o.Err = decodeOutcome(r.out, r.call.Task.Name, o, &r.value)
	reuseArgument(&r.call, o)
	if outOfTime(&r.call, o.Err) {
		o.Err = context.DeadlineExceeded
	}
	r.err = o.Err
	r.settle()
}

// outOfTime reports whether a task failed because the caller's context has ended: the worker's may notice first, and the
// caller is to see his own.
func outOfTime(c *queue.Call, err error) bool {
	return c.Deadline != 0 && err != nil && errors.Is(err, context.DeadlineExceeded) && time.Now().UnixNano() >= c.Deadline
}

// Abort resolves the result without the task.
func (s *single[Out]) Abort(err error) { (*AsyncResult[Out])(s).fail(err) }

// decodeOutcome sets v to the outcome's value, or returns the error that users see.
func decodeOutcome[Out any](c codec.Codec[Out], task string, o *queue.Outcome, v *Out) error {
	if o.Err != nil {
		return errorOf(task, o)
	}
	var err error
	if o.Owned {
		err = c.DecodeOwned(o.Payload, v)
	} else {
		err = c.Decode(o.Payload, v)
	}
	if err != nil {
		var zero Out
		*v = zero
		return &EncodeError{Task: task, Result: true, Err: err}
	}
	return nil
}

// TaskInfo is what a task can learn about itself.
type TaskInfo struct {
	ID       uint64
	Name     string
	Attempt  int // 1 for the first
	Metadata map[string]string
}

// CurrentTask returns what is known of the task that ctx belongs to; false if ctx is not a task's.
func CurrentTask(ctx context.Context) (TaskInfo, bool) {
	t, _, ok := child.Current(ctx)
	return TaskInfo(t), ok
}

// CurrentWorker returns the name and pid of the worker of the task that ctx belongs to, and how many tasks it has
// started, this one included; false if ctx is not a task's.
func CurrentWorker(ctx context.Context) (WorkerInfo, bool) {
	t, w, ok := child.Current(ctx)
	return WorkerInfo{Name: w.Name, PID: w.PID, Tasks: w.Tasks, Task: t.Name, State: StateReady, Running: 1}, ok
}

// RetireWorker asks the pool to replace the worker of the task that ctx belongs to, after this task: the worker runs no
// other. The pool is told at once, and the successor starts while the task still runs; so whoever calls it a start's time
// before the end pays nothing for it. Outside of a task it does nothing.
func RetireWorker(ctx context.Context) { child.Retire(ctx) }
