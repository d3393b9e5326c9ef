// Package lifecycle decides the life of a pool's workers: when one is started, opened for tasks, retired, stopped or
// killed, and why. It is one deterministic machine. Its owner, a single goroutine, feeds it what happened and carries out
// the actions that it answers; time arrives as an argument. There is no clock, goroutine, lock, file or process in here.
//
// Tasks go beside it: the dispatcher hands them to open workers without asking, and tells only what changes a life.
//
// Each step has two halves. The input is noted as a fact about one worker or about the pool; then [Fleet.settle] compares
// the workers that are there with those that should be, and closes the gap. So no order of inputs can lose a worker: what
// one step could not do, because of a limit or a backoff, the next does.
package lifecycle

import (
	"fmt"
	"time"

	"github.com/procpool/procpool/event"
)

// ID names a worker of one pool, from 1, in the order of spawning.
type ID uint64

// Config is what the owner decided. All defaults are applied already.
type Config struct {
	Processes int
	MaxTasks  int     // 0: no limit
	Jitter    float64 // share by which MaxTasks and Age are cut at random, below 1
	Memory    uint64  // 0: no limit; so for the next three
	Growth    uint64
	Age, Idle time.Duration
	Spares    int // most processes beyond the places; 0: as many as needed, at most as many as places; -1: none, replace after the exit

	Scale        Scale
	Restart      Restart
	StartTimeout time.Duration // 0: none

	Strict bool // an input that cannot be panics; for tests

	// What the machine asks about the world. Each may be nil: then there is no jitter, no worker is known to be idle, the
	// last Demand stands, and events name no worker. They are called from within Step only.
	Rand   func() float64        // uniform in [0, 1)
	Use    func(ID) Use          // what the worker has done
	Queue  func() Demand         // the queue as it is now; asked when the pool scales or is closed
	Worker func(ID) event.Worker // its name and pid, for events
}

// Scale lets the number of places follow the work. A zero Max means a fixed number. An Idle of zero never shrinks.
type Scale struct {
	Min, Max   int
	Wait, Idle time.Duration
}

// Restart says what to do when workers fail to start. A negative MaxFailures never gives up.
type Restart struct {
	MaxFailures         int
	Backoff, MaxBackoff time.Duration
}

// Use is what the dispatcher knows about a worker.
type Use struct {
	Tasks     int       // started in it
	Handed    int       // of its budget, handed out to it
	IdleSince time.Time // since its last task, or since it was ready; zero while it has one
}

// Fleet is the machine. Step and the accessors are for one goroutine at a time.
type Fleet struct {
	cfg Config

	// The pool.
	target     int // places
	change     Change
	begun      bool
	closed     bool
	terminated bool
	done       bool
	rolls      []ID // for each RecycleAll under way: the youngest worker that must go
	demand     Demand
	oldest     time.Time // since when the first in the queue waits
	growAt     time.Time // the earliest next growth
	shrinkAt   time.Time // the next look for idle workers

	// The workers.
	workers []*worker // the living, oldest first
	last    ID
	starts  estimate      // from spawned to ready
	pace    time.Duration // time per task, over all workers; 0: not known
	told    bool          // WorkerMisconfigured was told

	restart  restart
	surprise surprise

	// The step.
	now   time.Time
	fresh bool // demand is of this step
	next  time.Time
	armed time.Time
	out   []Action
}

// New returns a fleet without workers; [Begin] starts them.
func New(cfg Config) *Fleet {
	return &Fleet{cfg: cfg, target: cfg.Processes}
}

// Step notes what happened at the time now and returns what to do about it, in order. The slice is the caller's. A time
// before that of an earlier step counts as that one.
func (f *Fleet) Step(now time.Time, in Input) []Action {
	if now.After(f.now) {
		f.now = now
	}
	f.out, f.fresh = nil, false
	f.note(in)
	if f.done {
		f.rolled()
	} else {
		f.settle()
	}
	return f.out
}

func (f *Fleet) note(in Input) {
	switch in := in.(type) {
	case Begin:
		f.begin(in)
	case Ready:
		f.ready(in)
	case Exited:
		f.exited(in)
	case SpawnFailed:
		f.spawnFailed(in)
	case Progress:
		f.progress(in)
	case Drained:
		f.drained(in)
	case Measured:
		f.measured(in)
	case Notice:
		f.notice(in)
	case Asked:
		f.asked(in)
	case Doom:
		f.doom(in)
	case Resize:
		f.resize(in.N, "resize")
	case RecycleAll:
		f.recycleAll()
	case Close:
		f.closed = true
	case Terminate:
		f.terminate()
	case Demand:
		f.see(in)
	case Tick:
		f.armed = time.Time{}
	}
}

func (f *Fleet) begin(in Begin) {
	if f.begun {
		f.refuse(in, "twice")
	}
	f.begun = true
}

func (f *Fleet) do(a Action) { f.out = append(f.out, a) }

func (f *Fleet) tell(e event.Event) { f.do(Tell{e}) }

// wake asks for a Tick at t, or earlier.
func (f *Fleet) wake(t time.Time) {
	if f.next.IsZero() || t.Before(f.next) {
		f.next = t
	}
}

// refuse answers an input that cannot be.
func (f *Fleet) refuse(in Input, why string) {
	err := fmt.Errorf("lifecycle: %T%+v: %s", in, in, why)
	if f.cfg.Strict {
		panic(err)
	}
	f.do(Refuse{err})
}

func (f *Fleet) rand() float64 {
	if f.cfg.Rand == nil {
		return 0
	}
	return f.cfg.Rand()
}

func (f *Fleet) use(w *worker) Use {
	if f.cfg.Use == nil {
		return Use{Tasks: w.tasks}
	}
	return f.cfg.Use(w.id)
}

func (f *Fleet) name(id ID) event.Worker {
	if f.cfg.Worker == nil {
		return event.Worker{}
	}
	return f.cfg.Worker(id)
}
