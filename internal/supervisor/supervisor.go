package supervisor

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/procpool/procpool/event"
	"github.com/procpool/procpool/internal/lifecycle"
	"github.com/procpool/procpool/internal/process"
)

// Supervisor keeps the workers of one pool.
type Supervisor struct {
	cfg    Config
	stdout *outlet
	stderr *outlet
	patrol patrol // for tasks that wait behind a long one
	vigil  patrol // for workers that are deaf
	relief patrol // for tasks that wait while workers are idle
	meter  meter
	judge  Mailbox[*worker]     // for Config.When
	told   Mailbox[event.Event] // for Observe
	seen   atomic.Bool          // somebody observes
	done   chan struct{}        // closed when every worker is gone and nothing can come any more

	service atomic.Uint64 // nanoseconds that a task took lately: the bits of a float64; 0 before the first

	inbox  Mailbox[any] // lifecycle.Input, or func() to look at the machine; its goroutine owns the next group
	asking atomic.Bool  // a Demand is on its way
	keen   atomic.Bool  // Demand matters: the pool scales, is closing, or has no worker

	// Owned by the inbox's goroutine.
	fleet  *lifecycle.Fleet
	timer  *time.Timer // of Arm
	waits  []wait      // for the pool to be up
	rolls  []chan error
	over   bool // Done
	exits  map[event.Reason]uint64
	spawns uint64
	times  Times // of the buried

	lives    sync.WaitGroup // the live goroutines
	launches chan struct{}  // has a token of each that is at its launch
	tally    tally          // of how long tasks took
	outlets  sync.WaitGroup // what carries the workers' output; begun by lives
	written  chan struct{}  // closed when they are done
	count    startCount     // of the first launches

	mu      sync.Mutex
	workers map[lifecycle.ID]*worker // the living, and those that are not buried yet
	failing error                    // the open circuit
	ooms    uint64                   // OOM kills of the machine, when last looked at
}

// New starts a supervisor and the first workers. It returns once each of them has been launched; if one could not be,
// the others are stopped and the reason is returned.
//
// It starts goroutines only while there is something to do: one that steps the machine, one for observers, and one live
// for each worker. Done tells when all of these have ended.
func New(cfg Config) (*Supervisor, error) {
	s := &Supervisor{
		cfg:      cfg,
		workers:  map[lifecycle.ID]*worker{},
		exits:    map[event.Reason]uint64{},
		launches: make(chan struct{}, mostLaunches()),
		done:     make(chan struct{}),
		written:  make(chan struct{}),
	}
	turn := make(chan struct{}, 1)
	turn <- struct{}{}
	s.stdout = &outlet{out: cfg.Stdout, turn: turn}
	s.stderr = &outlet{out: cfg.Stderr, turn: turn}
	s.meter.s = s
	s.patrol.period, s.patrol.look = patrolPeriod, func() bool { return s.each((*link).lookAhead) }
	s.vigil.period, s.vigil.look = vigilPeriod, func() bool { return s.each((*link).listen) }
	s.relief.period, s.relief.look = reliefPeriod, s.relieve
	cfg.Queue.Crew, cfg.Queue.OnHold = crew(), s.relief.arm
	s.ooms, _ = process.OOMKills()
	s.keen.Store(cfg.Fleet.Scale.Max > 0)
	s.inbox.Each, s.judge.Each = s.step, (*worker).judge
	s.told.Each, s.told.Most, s.told.Lost = cfg.Observe, mostUntold, lost
	s.seen.Store(cfg.Observed)
	cfg.Fleet.Use, cfg.Fleet.Queue, cfg.Fleet.Worker = s.use, s.snapshotDemand, s.whoIs
	s.fleet = lifecycle.New(cfg.Fleet)
	s.count.begin(cfg.Fleet.Processes)
	s.post(lifecycle.Begin{})
	if err := s.count.wait(); err != nil {
		s.Terminate(err)
		<-s.Done()
		return nil, err
	}
	return s, nil
}

// mostLaunches is how many workers are launched at a time. One thread forks them all, one after the other, so two for each
// processor keep it busy; a thousand would be in system calls together, and Go's runtime would make a thread for each of a
// hundred of them, which it never ends.
func mostLaunches() int { return 2 * runtime.GOMAXPROCS(0) }

// post gives the machine an input. It never blocks.
func (s *Supervisor) post(in lifecycle.Input) { s.inbox.Put(in) }

// ask calls f on the goroutine that owns the machine, and waits for it.
func (s *Supervisor) ask(f func()) {
	done := make(chan struct{})
	s.inbox.Put(func() { f(); close(done) })
	<-done
}

// step is called by the inbox, one input at a time.
func (s *Supervisor) step(in any) {
	switch in := in.(type) {
	case func():
		in()
	case lifecycle.Input:
		if _, ok := in.(lifecycle.Demand); ok {
			s.asking.Store(false)
			in = s.snapshotDemand()
		}
		for _, a := range s.fleet.Step(time.Now(), in) {
			s.perform(a)
		}
	}
	s.release()
}

// perform carries out one action of the machine.
func (s *Supervisor) perform(a lifecycle.Action) {
	switch a := a.(type) {
	case lifecycle.Spawn:
		s.spawn(a)
	case lifecycle.Open:
		w := s.find(a.ID)
		s.lives.Go(func() { w.link.open(true) })
	case lifecycle.Watch:
		s.find(a.ID).link.watchFor(a.Left)
	case lifecycle.Retire:
		w := s.find(a.ID)
		s.lives.Go(func() { w.retire(a.Reason) })
	case lifecycle.Stop:
		s.find(a.ID).leave(a.Reason)
	case lifecycle.Kill:
		s.find(a.ID).end(a.Reason)
	case lifecycle.Bury:
		s.bury(a)
	case lifecycle.Fail:
		s.fail(a)
	case lifecycle.Heal:
		s.heal()
	case lifecycle.Arm:
		s.arm(a.At)
	case lifecycle.Tell:
		s.tell(s.public(a.Event))
	case lifecycle.Rolled:
		close(s.rolls[0])
		s.rolls = s.rolls[1:]
	case lifecycle.Done:
		s.finish()
	case lifecycle.Refuse:
		s.tell(event.CallbackPanicked{At: event.At{Time: time.Now()}, Value: a.Err})
	}
}

func (s *Supervisor) spawn(a lifecycle.Spawn) {
	w := &worker{s: s, id: a.ID, name: s.cfg.Name(), budget: a.Budget, born: time.Now(), state: event.Starting}
	w.link = newLink(w, s.cfg.Queue, s.cfg.Tasks)
	s.mu.Lock()
	s.workers[a.ID] = w
	s.mu.Unlock()
	s.spawns++
	s.lives.Go(func() { w.live(a.Open) })
}

func (s *Supervisor) find(id lifecycle.ID) *worker {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.workers[id]
}

func (s *Supervisor) whoIs(id lifecycle.ID) event.Worker {
	if w := s.find(id); w != nil {
		return w.who()
	}
	return event.Worker{}
}

// list returns the workers that are not buried.
func (s *Supervisor) list() []*worker {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]*worker, 0, len(s.workers))
	for _, w := range s.workers {
		all = append(all, w)
	}
	return all
}

// bury forgets a worker and tells how it ended.
func (s *Supervisor) bury(a lifecycle.Bury) {
	s.mu.Lock()
	w := s.workers[a.ID]
	delete(s.workers, a.ID)
	s.mu.Unlock()
	s.exits[a.Reason]++
	s.times.add(w.times(time.Now()))
	if w.obituary.Worker.Name != "" {
		e := w.obituary
		e.Reason = a.Reason
		if a.Figures != (event.Figures{}) {
			e.Why = a.Figures
		}
		if a.Reason.Planned() {
			e.Cause = event.CauseNone
		}
		s.tell(e)
	}
}

func (s *Supervisor) arm(at time.Time) {
	switch {
	case s.timer == nil && at.IsZero():
	case s.timer == nil:
		s.timer = time.AfterFunc(time.Until(at), func() { s.post(lifecycle.Tick{}) })
	case at.IsZero():
		s.timer.Stop()
	default:
		s.timer.Reset(time.Until(at))
	}
}

// finish ends the supervisor: the machine has no more workers.
func (s *Supervisor) finish() {
	s.over = true
	if s.timer != nil {
		s.timer.Stop()
	}
	s.patrol.stop()
	s.vigil.stop()
	s.relief.stop()
	s.meter.stop()
	for _, c := range s.rolls {
		close(c)
	}
	s.rolls = nil
	go func() { // ends when the last live and the meter have, and then the outlets; callers of Done and Written wait for it
		s.lives.Wait()
		s.meter.busy.Wait()
		close(s.done)
		s.outlets.Wait()
		close(s.written)
	}()
}

// use is what the machine wants to know of a worker.
func (s *Supervisor) use(id lifecycle.ID) lifecycle.Use {
	w := s.find(id)
	if w == nil {
		return lifecycle.Use{}
	}
	l := w.link
	l.mu.Lock()
	defer l.mu.Unlock()
	u := lifecycle.Use{Tasks: l.tasksStarted(), Handed: l.handedLocked()}
	if l.flight.len() == 0 {
		u.IdleSince = time.Now().Add(l.since - s.cfg.Clock())
	}
	return u
}

func (s *Supervisor) snapshotDemand() lifecycle.Demand {
	q := s.cfg.Queue.Snapshot()
	return lifecycle.Demand{Queued: q.Queued, Waiting: q.Waiting, Idle: q.Idle}
}
