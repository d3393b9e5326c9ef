package procpool

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/procpool/procpool/event"
	"github.com/procpool/procpool/internal/queue"
	"github.com/procpool/procpool/internal/supervisor"
	"github.com/procpool/procpool/internal/wire"
)

// Pool keeps worker processes and runs tasks in them. Make one with [New]. Its methods may be called from any goroutine.
type Pool struct {
	cfg   Config
	queue *queue.Queue
	super *supervisor.Supervisor
	clock func() time.Duration // since New

	observers observers
	callbacks supervisor.Mailbox[func()]
	caller    atomic.Uint64 // the goroutine that runs callbacks now
	state     atomic.Int32  // running, closed, terminated; only grows
	joined    atomic.Bool
}

const (
	stateRunning = iota
	stateClosed
	stateTerminated
)

// New checks cfg and starts a pool's workers; it does not wait until they are ready. If a first worker cannot be executed
// at all, it stops the others and returns a *StartError; what fails later is retried. Stop the pool with Shutdown, or
// with Close and Join; `defer pool.Terminate()` is always right, also after these.
func New(cfg Config) (*Pool, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	p := &Pool{cfg: cfg}
	p.callbacks.Each = p.runCallback
	epoch := time.Now()
	p.clock = func() time.Duration { return time.Since(epoch) }
	p.queue = queue.New(cfg.Queue.Limit, p.clock, p.entered)
	p.queue.OnDrop = p.dropped
	if cfg.OnEvent != nil {
		p.observers.all = []*observer{{cfg.OnEvent}}
	}
	super, err := supervisor.New(p.supervision())
	if fault, ok := errors.AsType[*supervisor.StartFault](err); ok {
		err = startError(fault)
	}
	if err != nil {
		return nil, err
	}
	p.super = super
	return p, nil
}

// supervision is what the supervisor is told.
func (p *Pool) supervision() supervisor.Config {
	cfg := &p.cfg
	m := cfg.StartMethod.get()
	c := supervisor.Config{
		Queue: p.queue, Fleet: cfg.fleet(), Launch: m.launch(cfg), Name: m.nextName,
		Setup:       wire.MessageSetup{Initializer: cfg.Initializer.name, Arg: cfg.Initializer.arg},
		TaskTimeout: cfg.TaskTimeout,
		Grace:       or(cfg.Grace, 5*time.Second),
		HardMemory:  cfg.Recycle.HardMemory,
		OnPanic:     cfg.Recycle.OnPanic,
		Measure:     cfg.Recycle.Memory > 0 || cfg.Recycle.Growth > 0,
		Stdout:      cfg.stdout(), Stderr: cfg.stderr(),
		Clock: p.clock, StartFailure: startError, Failure: errorOf, Panicked: p.panicked,
		Observe: p.observe, Observed: cfg.OnEvent != nil,
	}
	if m.own {
		prog := program()
		c.Setup.Fingerprint = prog.Fingerprint
		c.Tasks = make(map[string]uint16, len(prog.Tasks))
		for i, t := range prog.Tasks {
			c.Tasks[t.Name] = uint16(i)
		}
	}
	if when := cfg.Recycle.When; when != nil {
		c.When = func(w supervisor.Worker) bool { return when(WorkerInfo(w)) }
	}
	return c
}

// Desk is for this repository's packages.
func (p *Pool) Desk() queue.Desk { return desk{p} }

// desk is a Pool as it is seen by calls.
type desk struct{ p *Pool }

// Submit accepts a call, feeds a worker that rests, and, for a waiter, collects the answer.
func (d desk) Submit(c *queue.Call, patient bool, w queue.Waiter) (<-chan struct{}, error) {
	feed, entered, err := d.p.queue.Put(c, d.p.cfg.Queue.Reject && !patient)
	if err != nil {
		if err == queue.ErrFull {
			err = ErrQueueFull
		}
		return nil, err
	}
	if feed != nil {
		supervisor.Feed(feed, c.Accepted, w)
	}
	if feed == nil || c.Items() > 1 {
		d.p.super.Demand()
	}
	return entered, nil
}

func (d desk) Entered(c *queue.Call) (bool, error) { return d.p.queue.Entered(c) }

// Cancel removes what waits of a resolved call, and stops what runs.
func (d desk) Cancel(c *queue.Call) {
	dropped := d.p.queue.Cancel(c)
	if dropped < c.Items() {
		d.p.super.Cancel(c)
	}
	d.p.super.Demand()
}

func (d desk) Processes() int { return d.p.cfg.processes() }

// Later runs a callback on the pool's goroutine for them; after Join, on a goroutine of its own.
func (d desk) Later(f func()) {
	if d.p.joined.Load() {
		go d.p.runCallback(f) // ends when the callback returns; Join is over, so nobody waits for it
		return
	}
	d.p.callbacks.Put(f)
}

func (p *Pool) runCallback(f func()) {
	p.caller.Store(goroutineID())
	defer p.caller.Store(0)
	defer func() {
		if v := recover(); v != nil {
			p.panicked(v)
		}
	}()
	f()
}

// goroutineID tells goroutines apart, so that a Join in a callback, which would wait for itself, is an error. The runtime
// tells it in stack traces only.
func goroutineID() uint64 {
	var b [64]byte
	fields := bytes.Fields(b[:runtime.Stack(b[:], false)])
	if len(fields) < 2 {
		return 0
	}
	id, _ := strconv.ParseUint(string(fields[1]), 10, 64)
	return id
}

// WaitReady waits until every worker has answered. It returns a *StartError as soon as workers cannot start, ErrClosed or
// ErrTerminated if the pool ends, or ctx's error.
func (p *Pool) WaitReady(ctx context.Context) error { return p.super.WaitReady(ctx) }

// Close lets no more tasks in. What was accepted still runs. It returns at once, may be called from anywhere, and more
// than once.
func (p *Pool) Close() {
	if p.state.CompareAndSwap(stateRunning, stateClosed) {
		p.queue.Close(ErrClosed, false)
		p.super.Tell(event.PoolClosed{At: event.At{Time: time.Now()}})
		p.super.Close()
	}
}

// Terminate ends everything: what is not resolved resolves with ErrTerminated at once, workers get SIGTERM, and SIGKILL
// after 500 ms. It returns when they are gone. It may be called from anywhere, and more than once.
func (p *Pool) Terminate() {
	if p.state.Swap(stateTerminated) != stateTerminated {
		p.super.Tell(event.PoolClosed{At: event.At{Time: time.Now()}, Terminated: true})
		p.super.Terminate(ErrTerminated)
	}
	<-p.super.Done()
}

// Join waits, after Close or Terminate, until every task is resolved, callbacks have returned, output is written, and the
// workers are gone; or until ctx ends, and returns its error. Before Close it returns ErrRunning. It may be called more
// than once. In a callback it is an error.
func (p *Pool) Join(ctx context.Context) error {
	if p.state.Load() == stateRunning {
		return ErrRunning
	}
	if id := p.caller.Load(); id != 0 && id == goroutineID() {
		return errInCallback
	}
	for _, done := range []func() <-chan struct{}{p.super.Done, p.super.Judged, p.super.Written, p.callbacks.Empty, p.super.Told} {
		select {
		case <-done():
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	p.joined.Store(true)
	return nil
}

// Shutdown is Close and Join; if ctx ends first, it is Terminate, and returns ctx's error. In a callback it is an error.
func (p *Pool) Shutdown(ctx context.Context) error {
	p.Close()
	err := p.Join(ctx)
	if err != nil && err == ctx.Err() {
		p.Terminate()
	}
	return err
}

// Resize changes how many workers the pool keeps: it grows at once, and shrinks as workers finish what they run. n below 1
// is an error, and so is resizing a pool with Config.Scale.
func (p *Pool) Resize(n int) error {
	switch {
	case p.cfg.Scale != (Scale{}):
		return fmt.Errorf("procpool: Resize of a pool that scales by itself: set Config.Scale's Min and Max instead")
	case n < 1:
		return fmt.Errorf("procpool: Resize to %d: use 1 or more, or Close", n)
	case p.state.Load() != stateRunning:
		return p.queue.Refusal()
	}
	p.super.Resize(n)
	return nil
}

// Recycle replaces every worker, with one successor ready before each one leaves, and waits until that is done or ctx ends.
// If successors fail to start, the old workers are kept. Calls at the same time join.
func (p *Pool) Recycle(ctx context.Context) error {
	if p.state.Load() != stateRunning {
		return p.queue.Refusal()
	}
	select {
	case <-p.super.Recycle():
		if p.state.Load() == stateTerminated {
			return ErrTerminated
		}
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
