package lifecycle

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/procpool/procpool/event"
)

// TestModel drives the machine by a random world: workers that start, fail, crash, hang, finish, leave early and late. After
// every step it checks what must always hold; at the end it lets the world calm down, and checks that the pool is whole
// again, and that it ends.
func TestModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		w.step(Begin{})
		for range rapid.SampledFrom([]int{5, 20, 100, 400}).Draw(t, "steps") {
			w.happen()
		}
		w.calm()
		w.whole()
		w.finish()
	})
}

type proc struct {
	id       ID
	open     bool // has its place
	budget   int
	handed   int
	started  int
	running  bool
	ready    bool
	retired  bool
	drained  bool
	stopping bool
	killed   bool
	watch    int
	age      int // rank of the last state seen
}

func (p *proc) leaving() bool { return p.retired || p.stopping || p.killed }
func (p *proc) serving() bool { return p.open && !p.leaving() && !p.spent() }
func (p *proc) spent() bool   { return p.budget > 0 && p.handed >= p.budget }
func (p *proc) left() int     { return p.budget - p.handed }

type world struct {
	t     *rapid.T
	cfg   Config
	f     *Fleet
	now   time.Time
	armed time.Time
	procs []*proc
	last  ID

	pace       func() time.Duration
	queued     int
	buried     map[ID]bool
	ended      map[ID]bool
	recycles   int
	rolled     int
	open       bool // the circuit
	begun      bool
	closed     bool
	terminated bool
	done       bool
}

func newWorld(t *rapid.T) *world {
	w := &world{t: t, now: start, buried: map[ID]bool{}, ended: map[ID]bool{}}
	pick := func(name string, vs ...int) int { return rapid.SampledFrom(vs).Draw(t, name) }
	random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
	w.pace = func() time.Duration { return time.Duration(random.IntN(100)) * time.Millisecond }
	w.cfg = Config{
		Processes: pick("processes", 1, 2, 3, 5, 9),
		MaxTasks:  pick("tasks", 0, 1, 2, 3, 20),
		Jitter:    rapid.SampledFrom([]float64{0, 0.3, 0.9}).Draw(t, "jitter"),
		Memory:    uint64(pick("memory", 0, 100)),
		Growth:    uint64(pick("growth", 0, 50)),
		Age:       time.Duration(pick("age", 0, 5)) * time.Second,
		Idle:      time.Duration(pick("idle", 0, 3)) * time.Second,
		Spares:    pick("spares", -1, 0, 1, 2, 20),
		Restart: Restart{
			MaxFailures: pick("failures", -1, 1, 3), Backoff: 50 * time.Millisecond, MaxBackoff: time.Second,
		},
		StartTimeout: time.Duration(pick("timeout", 0, 2)) * time.Second,
		Strict:       true,
		Rand:         random.Float64,
		Queue: func() Demand {
			return Demand{Queued: w.queued, Waiting: time.Duration(w.queued) * 20 * time.Millisecond}
		},
		Use: func(id ID) Use {
			if !w.has(id) { // it is to be spawned by this step
				return Use{}
			}
			p := w.proc(id)
			u := Use{Tasks: p.started, Handed: p.handed}
			if p.ready && !p.running {
				u.IdleSince = start
			}
			return u
		},
	}
	if pick("scaled", 0, 0, 1) == 1 {
		w.cfg.Scale = Scale{Min: pick("min", 0, 1), Max: w.cfg.Processes + 2, Wait: 50 * time.Millisecond, Idle: time.Second}
	}
	w.f = New(w.cfg)
	return w
}

func (w *world) has(id ID) bool {
	return slices.ContainsFunc(w.procs, func(p *proc) bool { return p.id == id })
}

func (w *world) proc(id ID) *proc {
	for _, p := range w.procs {
		if p.id == id {
			return p
		}
	}
	w.t.Fatalf("no worker %d", id)
	return nil
}

func (w *world) step(in Input) {
	if _, ok := in.(Begin); ok {
		w.begun = true
	}
	places := w.places()
	actions := w.f.Step(w.now, in)
	if len(actions) > 200 {
		w.t.Fatalf("%T: %d actions", in, len(actions))
	}
	for _, a := range actions {
		w.act(a)
	}
	w.check(in, places)
}

func (w *world) places() (n int) {
	for _, p := range w.procs {
		n += one(p.open && !p.drained)
	}
	return n
}

func (w *world) act(a Action) {
	if _, late := a.(Rolled); w.done && !late {
		w.t.Fatalf("%T after Done", a)
	}
	switch a := a.(type) {
	case Spawn:
		w.spawn(a)
	case Open:
		p := w.proc(a.ID)
		w.must(!p.open && !p.leaving(), "opened", p)
		p.open = true
	case Retire:
		p := w.proc(a.ID)
		w.must(p.open && !p.leaving(), "retired", p)
		p.retired = true
	case Stop:
		p := w.proc(a.ID)
		w.must(!p.stopping && !p.killed && (!p.open || p.drained), "stopped", p)
		p.stopping = true
	case Kill:
		p := w.proc(a.ID)
		w.must(!p.killed, "killed", p)
		p.killed = true
	case Watch:
		p := w.proc(a.ID)
		w.must(a.Left >= 0 && a.Left <= p.budget, "watched", p)
		p.watch = a.Left
	case Bury:
		w.must(w.ended[a.ID] && !w.buried[a.ID] && a.Reason != "", "buried", &proc{id: a.ID})
		w.buried[a.ID] = true
	case Fail:
		w.must(!w.open && a.Err != nil, "failed", nil)
		w.open = true
		w.queued = 0
	case Heal:
		w.must(w.open, "healed", nil)
		w.open = false
	case Arm:
		w.must(a.At.IsZero() || a.At.After(w.now), "armed for the past", nil)
		w.armed = a.At
	case Rolled:
		w.rolled++
	case Done:
		w.must(len(w.procs) == 0 && (w.closed || w.terminated), "done", nil)
		w.done = true
	case Refuse:
		w.t.Fatal(a.Err)
	}
}

func (w *world) must(ok bool, what string, p *proc) {
	if !ok {
		w.t.Fatalf("%s: %+v", what, p)
	}
}

func (w *world) spawn(a Spawn) {
	w.last++
	w.must(a.ID == w.last && w.begun && !w.terminated, "spawned", &proc{id: a.ID})
	w.must(!w.closed || w.queued > 0, "spawned for nobody", nil)
	w.must((a.Budget == 0) == (w.cfg.MaxTasks == 0) && a.Budget <= w.cfg.MaxTasks, "budget", nil)
	w.procs = append(w.procs, &proc{id: a.ID, open: a.Open, budget: a.Budget, watch: -1})
	n, living := w.f.Target(), len(w.procs)
	switch {
	case w.cfg.Spares < 0:
		w.must(living <= n, "too many living", nil)
	case w.cfg.Spares > 0:
		w.must(living <= n+w.cfg.Spares, "too many living", nil)
	case !a.Open:
		w.must(living <= 2*n, "too many living", nil)
	default:
		w.must(living <= 3*n+lingering, "too many living", nil)
	}
}

var rank = map[event.State]int{event.Starting: 1, event.Ready: 2, event.Draining: 3, event.Stopping: 4}

func (w *world) check(in Input, before int) {
	serving := 0
	for _, p := range w.procs {
		serving += one(p.serving())
		w.must(p.budget == 0 || p.handed <= p.budget, "over its budget", p)
	}
	if n := w.f.Target(); serving > n || w.places() > max(n, before) {
		w.t.Fatalf("%T: %d serve, %d places are taken, of %d", in, serving, w.places(), n)
	}
	seen := 0
	for i := range w.f.Workers() {
		p := w.proc(i.ID)
		w.must(rank[i.State] >= p.age, "got younger", p)
		p.age = rank[i.State]
		seen++
	}
	w.must(seen == len(w.procs), "lost sight of a worker", nil)
	w.must(!w.done || w.begun, "done", nil)
}

// happen lets one thing happen.
func (w *world) happen() {
	t := w.t
	if rapid.IntRange(0, 9).Draw(t, "pool") == 0 {
		w.poolThing()
		return
	}
	if len(w.procs) == 0 || rapid.IntRange(0, 3).Draw(t, "time") == 0 {
		w.pass(time.Duration(rapid.SampledFrom([]int{1, 30, 100, 700, 3000}).Draw(t, "ms")) * time.Millisecond)
		return
	}
	w.workerThing(rapid.SampledFrom(w.procs).Draw(t, "worker"))
}

func (w *world) poolThing() {
	switch rapid.SampledFrom([]string{"resize", "recycle", "tasks", "tasks", "tasks", "close", "terminate"}).Draw(w.t, "what") {
	case "resize":
		if w.cfg.Scale.Max == 0 {
			w.step(Resize{rapid.IntRange(1, 6).Draw(w.t, "n")})
		}
	case "recycle":
		w.recycles++
		w.step(RecycleAll{})
	case "tasks":
		if !w.closed && !w.terminated && !w.open {
			w.queued += rapid.IntRange(1, 30).Draw(w.t, "n")
			w.step(w.cfg.Queue())
		}
	case "close":
		if rapid.IntRange(0, 4).Draw(w.t, "really") == 0 {
			w.closed = true
			w.step(Close{})
		}
	case "terminate":
		if rapid.IntRange(0, 8).Draw(w.t, "really") == 0 {
			w.terminate()
		}
	}
}

func (w *world) terminate() {
	w.terminated, w.queued = true, 0
	w.step(Terminate{})
	for _, p := range w.procs {
		w.must(p.killed, "lives on", p)
	}
}

func (w *world) workerThing(p *proc) {
	switch rapid.SampledFrom([]string{
		"ready", "ready", "run", "run", "run", "run", "end", "leave", "leave", "fail", "crash", "measure", "notice", "ask", "doom", "die",
	}).Draw(w.t, "what") {
	case "ready":
		w.ready(p)
	case "run":
		w.run(p)
	case "end":
		p.running = false
		w.drain(p)
	case "leave":
		w.drain(p)
		w.leave(p)
	case "fail":
		if !p.ready {
			w.failStart(p)
		}
	case "crash":
		if p.running {
			w.exit(p, Exited{ID: p.id, Started: p.started, UnderTask: true, Cause: event.CauseCrashed})
		}
	case "die":
		w.exit(p, Exited{ID: p.id, Started: p.started, UnderTask: p.running, Cause: event.CauseKilledOutside, Err: errors.New("killed")})
	case "measure":
		if p.started > 0 {
			w.step(Measured{p.id, uint64(rapid.IntRange(10, 130).Draw(w.t, "memory")), p.started})
		}
	case "notice":
		if p.started > 0 {
			w.step(Notice{p.id})
		}
	case "ask":
		if p.started > 0 {
			w.step(Asked{p.id, event.ReasonAsked, rapid.Bool().Draw(w.t, "later")})
		}
	case "doom":
		r := event.ReasonProtocol
		if p.running {
			r = event.ReasonTimedOut
		}
		w.step(Doom{ID: p.id, Reason: r})
	}
}

func (w *world) ready(p *proc) {
	if !p.ready {
		p.ready = true
		w.step(Ready{p.id})
	}
}

func (w *world) failStart(p *proc) {
	if rapid.Bool().Draw(w.t, "spawned") {
		w.exit(p, Exited{ID: p.id, Err: errors.New("exited early")})
		return
	}
	w.exit(p, SpawnFailed{p.id, errors.New("not found")})
}

// run hands a waiting task to the worker, and lets it finish the one before.
func (w *world) run(p *proc) {
	if !p.serving() || w.queued == 0 {
		return
	}
	w.queued--
	p.handed++
	if p.ready {
		p.started++
		p.running = true
	}
	if p.budget > 0 && max(1, p.left()) <= p.watch {
		w.step(Progress{p.id, max(1, p.left()), w.pace()})
	}
	if w.closed && w.queued == 0 {
		w.step(w.cfg.Queue())
	}
}

// drain says that nothing is in the worker, when that is so. What was handed to one that is not ready is taken back.
func (w *world) drain(p *proc) {
	if p.running || p.drained || p.killed || p.stopping || !p.open || !p.retired && !p.spent() {
		return
	}
	if p.spent() && !p.retired && !p.ready {
		return // it will run them
	}
	p.drained = true
	w.step(Drained{p.id, w.pace()})
}

// leave ends a worker that was told to leave.
func (w *world) leave(p *proc) {
	if p.stopping || p.killed {
		w.exit(p, Exited{ID: p.id, Started: p.started, UnderTask: p.running})
	}
}

func (w *world) exit(p *proc, in Input) {
	if w.ended[p.id] {
		return
	}
	w.ended[p.id] = true
	for i, o := range w.procs {
		if o == p {
			w.procs = append(w.procs[:i:i], w.procs[i+1:]...)
			break
		}
	}
	w.step(in)
	w.must(w.buried[p.id], "not buried", p)
}

func (w *world) pass(d time.Duration) {
	end := w.now.Add(d)
	for n := 0; !w.armed.IsZero() && !w.armed.After(end); n++ {
		w.must(n < 1000, "the timer does not come to rest", nil)
		w.now, w.armed = w.armed, time.Time{}
		w.step(Tick{})
	}
	w.now = end
}

// calm is a world in which everything works: workers get ready, run what waits, and leave when they are told to.
func (w *world) calm() {
	for range 4000 {
		if w.done {
			return
		}
		busy := false
		for _, p := range append([]*proc(nil), w.procs...) {
			switch {
			case w.ended[p.id]:
			case p.stopping || p.killed:
				w.leave(p)
				busy = true
			case !p.ready:
				w.ready(p)
				busy = true
			case p.serving() && w.queued > 0:
				w.run(p)
				busy = true
			case p.running || p.retired || p.spent():
				p.running = false
				w.drain(p)
				busy = true
			}
		}
		if !busy && w.settled() {
			return
		}
		if !busy {
			w.pass(100 * time.Millisecond)
		}
	}
	w.t.Fatalf("does not calm down: %s", w)
}

func (w *world) settled() bool {
	return !w.closed && !w.terminated && w.f.Up() && w.rolled == w.recycles && w.queued == 0
}

// whole checks that the calm pool is complete, and no larger than it should be.
func (w *world) whole() {
	if w.done {
		return
	}
	serving := 0
	for _, p := range w.procs {
		serving += one(p.serving())
	}
	w.must(serving == w.f.Target(), "not whole: "+w.String(), nil)
	w.must(!w.open, "still failing", nil)
}

// finish closes or terminates, and expects the end.
func (w *world) finish() {
	if rapid.Bool().Draw(w.t, "terminate") {
		w.terminate()
	} else {
		w.queued += one(!w.closed && !w.terminated) * 5
		w.closed = true
		w.step(Close{})
	}
	w.calm()
	w.must(w.done, "not done: "+w.String(), nil)
	w.must(len(w.buried) == int(w.last), "not all are buried", nil)
	w.must(w.rolled == w.recycles, "a RecycleAll was not answered", nil)
	w.must(w.armed.IsZero(), "still armed", nil)
}

func (w *world) String() string {
	s := fmt.Sprintf("target %d, queued %d, rolled %d of %d, open %v\n", w.f.Target(), w.queued, w.rolled, w.recycles, w.open)
	for i := range w.f.Workers() {
		s += fmt.Sprintf("%+v %+v\n", i, *w.proc(i.ID))
	}
	return s
}
