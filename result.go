package procpool

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/procpool/procpool/internal/codec"
	"github.com/procpool/procpool/internal/queue"
)

// AsyncResult is the result of a task or a map that runs elsewhere. Its methods may be called from any goroutine.
//
// A failed submission is a result that failed.
type AsyncResult[Out any] struct {
	call queue.Call
	result
	out   codec.Codec[Out]
	value Out      // set before the result is ready
	buf   [16]byte // for a small argument
}

// result is what does not depend on Out.
type result struct {
	err     error                 // set before the result is ready
	claimed atomic.Bool           // somebody sets the value
	desk    queue.Desk            // where it was handed in
	after   atomic.Pointer[after] // nil: not ready, and nothing is to happen then, as for most; settled: ready
}

// after is what is to happen once a result is ready.
type after struct {
	ready atomic.Bool // the result is

	mu        sync.Mutex
	done      chan struct{}
	callbacks []func()
	stop      func() bool // stops watching the caller's context
}

// settled stands for nothing, which has happened.
var settled = func() *after {
	a := &after{done: make(chan struct{})}
	a.ready.Store(true)
	close(a.done)
	return a
}()

// ID returns the number of the task in its pool; of a map, that of its first item.
func (r *AsyncResult[Out]) ID() uint64 { return r.call.ID }

// Ready reports whether the result is there.
func (r *AsyncResult[Out]) Ready() bool { return r.result.ready() }

func (r *result) ready() bool {
	a := r.after.Load()
	return a != nil && a.ready.Load()
}

// Successful reports whether the result is there, and without error.
func (r *AsyncResult[Out]) Successful() bool { return r.Ready() && r.err == nil }

// Done returns a channel that is closed once the result is ready.
func (r *AsyncResult[Out]) Done() <-chan struct{} {
	done := settled.done
	r.onReady(func(a *after) {
		if a.done == nil {
			a.done = make(chan struct{})
		}
		done = a.done
	})
	return done
}

// onReady adds to what is to happen once the result is ready: add does that, under a lock. If it is ready, onReady reports false.
func (r *result) onReady(add func(*after)) bool {
	if r.after.Load() == nil {
		r.after.CompareAndSwap(nil, new(after))
	}
	a := r.after.Load()
	if a == settled {
		return false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.ready.Load() {
		return false
	}
	add(a)
	return true
}

// Wait waits until the result is ready and returns nil, or until ctx ends and returns its error.
func (r *AsyncResult[Out]) Wait(ctx context.Context) error {
	if r.Ready() {
		return nil
	}
	select {
	case <-r.Done():
		return nil
	case <-ctx.Done():
		if r.Ready() {
			return nil
		}
		return ctx.Err()
	}
}

// Get waits for the result. When ctx ends first, it returns ctx's error: the task goes on, and Get may be called again.
func (r *AsyncResult[Out]) Get(ctx context.Context) (Out, error) {
	if err := r.Wait(ctx); err != nil {
		var zero Out
		return zero, err
	}
	return r.value, r.err
}

// Cancel resolves the result with context.Canceled, at once, if it is not ready. A task that waits is removed; one that
// runs is told to stop, and its worker is killed if it does not within Config.Grace.
func (r *AsyncResult[Out]) Cancel() { r.cancel(context.Canceled) }

func (r *AsyncResult[Out]) cancel(err error) {
	if r.Ready() {
		return
	}
	r.call.Sink.Abort(err)
	r.desk.Cancel(&r.call)
}

// OnSuccess adds a callback that gets the value, if the task succeeds. Callbacks run after the result is ready, one at a
// time, in completion order, on a goroutine of the pool: a slow one delays callbacks, never tasks. Added after
// completion, it runs soon; after Join, on a goroutine of its own. One that panics is told as an event, without
// Config.OnEvent on Config.Stderr.
func (r *AsyncResult[Out]) OnSuccess(fn func(Out)) *AsyncResult[Out] {
	return r.callback(func() {
		if r.err == nil {
			fn(r.value)
		}
	})
}

// OnError adds a callback that gets the error, if the task fails. See OnSuccess.
func (r *AsyncResult[Out]) OnError(fn func(error)) *AsyncResult[Out] {
	return r.callback(func() {
		if r.err != nil {
			fn(r.err)
		}
	})
}

func (r *AsyncResult[Out]) callback(fn func()) *AsyncResult[Out] {
	if !r.onReady(func(a *after) { a.callbacks = append(a.callbacks, fn) }) {
		r.desk.Later(fn)
	}
	return r
}

// claim reports whether the caller is the one who resolves the result.
func (r *result) claim() bool { return !r.claimed.Swap(true) }

// settle makes a claimed result ready: its value and error are set.
func (r *result) settle() {
	if !r.after.CompareAndSwap(nil, settled) {
		r.after.Load().happen(r.desk)
	}
}

// happen makes the result ready, and does what is to happen then. Callbacks are handed over under the lock, so that they run in the
// order in which they were added.
func (a *after) happen(desk queue.Desk) {
	a.mu.Lock()
	a.ready.Store(true)
	for _, fn := range a.callbacks {
		desk.Later(fn)
	}
	if a.done != nil {
		close(a.done)
	}
	stop := a.stop
	a.callbacks, a.stop = nil, nil
	a.mu.Unlock()
	if stop != nil {
		stop()
	}
}

// watch resolves the result when ctx ends.
func (r *AsyncResult[Out]) watch(ctx context.Context) {
	if ctx.Done() == nil {
		return
	}
	stop := context.AfterFunc(ctx, func() { r.cancel(ctx.Err()) })
	if !r.onReady(func(a *after) { a.stop = stop }) {
		stop()
	}
}

// fail resolves the result with err, if nobody else has.
func (r *AsyncResult[Out]) fail(err error) {
	if r.claim() {
		r.err = err
		r.settle()
	}
}
