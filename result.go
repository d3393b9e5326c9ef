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
	err   error         // set before state is ready
	state atomic.Uint32 // pending, claimed, ready
	desk  queue.Desk    // where it was handed in
	after *after        // what few results need; nil: nothing. Guarded by lock.
}

const (
	pending = iota
	claimed // somebody sets the value
	ready
)

// after is what is to happen once a result is ready.
type after struct {
	done      chan struct{}
	callbacks []func()
	stop      func() bool // stops watching the caller's context
}

// locks guard the rarely used part of results. They are shared, since a mutex in each would cost memory a million times;
// each is held for a few instructions.
var locks [64]sync.Mutex

func (r *result) lock(id uint64) *sync.Mutex { return &locks[id%uint64(len(locks))] }

// ID returns the number of the task in its pool; of a map, that of its first item.
func (r *AsyncResult[Out]) ID() uint64 { return r.call.ID }

// Ready reports whether the result is there.
func (r *AsyncResult[Out]) Ready() bool { return r.state.Load() == ready }

// Successful reports whether the result is there, and without error.
func (r *AsyncResult[Out]) Successful() bool { return r.Ready() && r.err == nil }

// Done returns a channel that is closed once the result is ready.
func (r *AsyncResult[Out]) Done() <-chan struct{} {
	mu := r.lock(r.call.ID)
	mu.Lock()
	defer mu.Unlock()
	a := r.afterLocked()
	if a.done == nil {
		a.done = make(chan struct{})
		if r.Ready() {
			close(a.done)
		}
	}
	return a.done
}

func (r *result) afterLocked() *after {
	if r.after == nil {
		r.after = &after{}
	}
	return r.after
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
	mu := r.lock(r.call.ID)
	mu.Lock()
	now := r.Ready()
	if !now {
		a := r.afterLocked()
		a.callbacks = append(a.callbacks, fn)
	}
	mu.Unlock()
	if now {
		r.desk.Later(fn)
	}
	return r
}

// claim reports whether the caller is the one who resolves the result.
func (r *result) claim() bool { return r.state.CompareAndSwap(pending, claimed) }

// settle makes a claimed result ready: its value and error are set.
func (r *result) settle(id uint64) {
	mu := r.lock(id)
	mu.Lock()
	a := r.after
	r.state.Store(ready)
	if a == nil {
		mu.Unlock()
		return
	}
	stop := a.stop
	for _, fn := range a.callbacks {
		r.desk.Later(fn)
	}
	if a.done != nil {
		close(a.done)
	}
	a.callbacks, a.stop = nil, nil
	mu.Unlock()
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
	mu := r.lock(r.call.ID)
	mu.Lock()
	late := r.Ready()
	if !late {
		r.afterLocked().stop = stop
	}
	mu.Unlock()
	if late {
		stop()
	}
}

// fail resolves the result with err, if nobody else has.
func (r *AsyncResult[Out]) fail(err error) {
	if r.claim() {
		r.err = err
		r.settle(r.call.ID)
	}
}
