package supervisor

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/procpool/procpool/event"
	"github.com/procpool/procpool/internal/lifecycle"
	"github.com/procpool/procpool/internal/process"
	"github.com/procpool/procpool/internal/queue"
)

// What the pool asks of its supervisor.

// Feed feeds a worker whose seat the queue has just named, when it accepted something at that time. A waiter is a caller who
// collects the answer himself, if nobody else does.
func Feed(owner any, accepted time.Duration, waiter queue.Waiter) {
	l := owner.(*link)
	if waiter == nil || !l.duty.try() {
		feedAll(l)
		return
	}
	var few [2]queue.Run // one, and room to see that there is no more
	feedAll(l.feedAs(feeding{now: accepted, duty: true}, few[:])...)
	l.lead(waiter)
}

// Demand tells the machine that the queue has changed, where that matters to it.
func (s *Supervisor) Demand() {
	if s.keen.Load() {
		s.demand()
	}
}

func (s *Supervisor) demand() {
	if !s.asking.Swap(true) {
		s.post(lifecycle.Demand{})
	}
}

// Cancel stops what the workers have of a call that is resolved.
func (s *Supervisor) Cancel(c *queue.Call) {
	for _, w := range s.list() {
		w.link.cancel(c)
	}
}

// Close lets the workers leave once everything accepted is done.
func (s *Supervisor) Close() {
	s.keen.Store(true)
	s.post(lifecycle.Close{})
}

// Terminate aborts everything that was accepted with err and ends the workers. It does not wait.
func (s *Supervisor) Terminate(err error) {
	s.keen.Store(true)
	for _, c := range s.cfg.Queue.Close(err, true) {
		c.Sink.Abort(err)
	}
	for _, w := range s.list() {
		w.link.abort(err)
	}
	s.post(lifecycle.Terminate{})
}

// abort resolves what the worker has.
func (l *link) abort(err error) {
	var calls []*queue.Call
	l.mu.Lock()
	for _, r := range l.flight.all() {
		if c := r.Call; c != nil && (len(calls) == 0 || calls[len(calls)-1] != c) {
			calls = append(calls, c)
		}
	}
	l.mu.Unlock()
	for _, c := range calls {
		c.Sink.Abort(err)
	}
}

// Done is closed when, after Close or Terminate, every worker is gone and everything resolved.
func (s *Supervisor) Done() <-chan struct{} { return s.done }

// Judged is closed when Config.When has answered every question until now. Done does not wait for that: When may
// terminate the pool.
func (s *Supervisor) Judged() <-chan struct{} { return s.judge.Empty() }

// Told is closed when every event until now has been observed.
func (s *Supervisor) Told() <-chan struct{} { return s.told.Empty() }

// Resize changes how many workers are kept.
func (s *Supervisor) Resize(n int) {
	s.keen.Store(s.keen.Load() || n == 0)
	s.post(lifecycle.Resize{N: n})
}

// Recycle replaces every worker. The channel is closed when that is done, or every worker is gone.
func (s *Supervisor) Recycle() <-chan error {
	c := make(chan error)
	s.inbox.Put(func() {
		if s.over {
			close(c)
			return
		}
		s.rolls = append(s.rolls, c)
		s.step(lifecycle.RecycleAll{})
	})
	return c
}

// wait is somebody who waits for the pool to be up.
type wait struct {
	done chan<- error
	ctx  context.Context
}

// WaitReady returns nil when every worker has answered, and the reason if that cannot be hoped for.
func (s *Supervisor) WaitReady(ctx context.Context) error {
	done := make(chan error, 1)
	s.inbox.Put(func() { s.waits = append(s.waits, wait{done, ctx}) })
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// release answers those who wait for the pool to be up.
func (s *Supervisor) release() {
	if len(s.waits) == 0 {
		return
	}
	err, decided := s.Failing(), true
	switch {
	case err != nil:
	case s.over:
		err = s.cfg.Queue.Refusal()
	default:
		decided = s.fleet.Up()
	}
	kept := s.waits[:0]
	for _, w := range s.waits {
		switch {
		case decided:
			w.done <- err
		case w.ctx.Err() == nil:
			kept = append(kept, w)
		}
	}
	clear(s.waits[len(kept):])
	s.waits = kept
}

// Failing returns the error of the open circuit, nil when it is closed.
func (s *Supervisor) Failing() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failing
}

// faultOf makes the fault of an error of the machine, which may stand around the worker's own to say more.
func faultOf(err error, row int) *StartFault {
	fault := StartFault{ExitCode: -1}
	if f, ok := errors.AsType[*StartFault](err); ok {
		fault = *f
		if err == error(f) {
			err = f.Err
		}
	}
	fault.Err, fault.Attempts = err, row
	return &fault
}

// fail opens the circuit: what waits fails.
func (s *Supervisor) fail(a lifecycle.Fail) {
	err := s.cfg.StartFailure(faultOf(a.Err, a.Row))
	s.mu.Lock()
	s.failing = err
	s.mu.Unlock()
	for _, c := range s.cfg.Queue.Fail(err) {
		c.Sink.Abort(err)
	}
	s.Demand()
}

func (s *Supervisor) heal() {
	s.mu.Lock()
	s.failing = nil
	s.mu.Unlock()
	s.cfg.Queue.Heal()
}

// oomKilled reports whether the OOM killer has been at work since it was last asked.
func (s *Supervisor) oomKilled() bool {
	n, ok := process.OOMKills()
	s.mu.Lock()
	defer s.mu.Unlock()
	more := ok && n > s.ooms
	if more {
		s.ooms++ // another worker may be the next one's
	}
	return more
}

// State is the workers and what the machine has counted, at one moment.
type State struct {
	Workers []Worker
	Target  int
	Change  lifecycle.Change
	Exits   map[event.Reason]uint64
	Started uint64
	Ready   int
	Busy    int
	Tally   Tally
	Times   Times
}

// State returns the workers and what the machine has counted, at one moment.
func (s *Supervisor) State() (st State) {
	s.ask(func() {
		st.Target, st.Change, st.Started = s.fleet.Target(), s.fleet.LastChange(), s.spawns
		st.Exits = make(map[event.Reason]uint64, len(s.exits))
		for r, n := range s.exits {
			st.Exits[r] = n
		}
		s.tally.mergeInto(&st.Tally)
		st.Times = s.times
		now := time.Now()
		for info := range s.fleet.Workers() {
			if w := s.find(info.ID); w != nil {
				st.add(w.info(info))
				st.Times.add(w.times(now))
			}
		}
	})
	return st
}

func (st *State) add(w Worker) {
	st.Workers = append(st.Workers, w)
	if w.State == event.Ready {
		st.Ready++
	}
	if w.Running > 0 {
		st.Busy++
	}
}

// startCount waits for the first launches.
type startCount struct {
	mu   sync.Mutex
	left int
	err  error
	all  chan struct{}
}

func (c *startCount) begin(n int) {
	c.left, c.all = n, make(chan struct{})
	if n == 0 {
		close(c.all)
	}
}

// add takes in one launch.
func (c *startCount) add(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.left == 0 {
		return
	}
	c.left--
	if c.err == nil {
		c.err = err
	}
	if c.left == 0 {
		close(c.all)
	}
}

func (c *startCount) wait() error {
	<-c.all
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// Written is closed when the workers' output is written.
func (s *Supervisor) Written() <-chan struct{} { return s.written }
