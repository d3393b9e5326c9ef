package lifecycle

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/procpool/procpool/event"
)

// TestStorm: whatever fails and when, workers are not spawned faster than the backoff lets them.
func TestStorm(t *testing.T) {
	fail := map[string]func(f *Fleet, now time.Time, id ID) []Action{
		"no process": func(f *Fleet, now time.Time, id ID) []Action { return f.Step(now, SpawnFailed{id, errors.New("x")}) },
		"before ready": func(f *Fleet, now time.Time, id ID) []Action {
			return f.Step(now, Exited{ID: id, Cause: event.CauseExited})
		},
		"right after ready": func(f *Fleet, now time.Time, id ID) []Action {
			return append(f.Step(now, Ready{id}), f.Step(now, Exited{ID: id, Cause: event.CauseExited})...)
		},
		"nonsense after ready": func(f *Fleet, now time.Time, id ID) []Action {
			a := append(f.Step(now, Ready{id}), f.Step(now, Doom{ID: id, Reason: event.ReasonProtocol})...)
			return append(a, f.Step(now, Exited{ID: id})...)
		},
		"nonsense with its only task unstarted": func(f *Fleet, now time.Time, id ID) []Action {
			a := append(f.Step(now, Progress{ID: id, Left: 1}), f.Step(now, Ready{id})...)
			a = append(a, f.Step(now, Doom{ID: id, Reason: event.ReasonProtocol})...)
			return append(a, f.Step(now, Exited{ID: id})...)
		},
	}
	for name, end := range fail {
		for _, limit := range []int{-1, 5} {
			t.Run(fmt.Sprintf("%s/%d", name, limit), func(t *testing.T) {
				cfg := Config{
					Processes: 4, Rand: rand.Float64, Strict: true,
					Restart: Restart{MaxFailures: limit, Backoff: 50 * time.Millisecond, MaxBackoff: 10 * time.Second},
				}
				if name == "nonsense with its only task unstarted" {
					cfg.MaxTasks = 1
				}
				// In a minute there is time for 8 doublings and, at 7.5s or more, 7 of the longest.
				if n, most := storm(t, cfg, time.Minute, end), 17*3*cfg.Processes; n > most {
					t.Errorf("%d workers were spawned in a minute, want at most %d", n, most)
				}
			})
		}
	}
}

func storm(t *testing.T, cfg Config, span time.Duration, end func(*Fleet, time.Time, ID) []Action) int {
	f, now, armed, spawned := New(cfg), start, time.Time{}, 0
	todo := f.Step(now, Begin{})
	for now.Before(start.Add(span)) {
		for len(todo) > 0 {
			a := todo[0]
			todo = todo[1:]
			switch a := a.(type) {
			case Arm:
				armed = a.At
			case Spawn:
				if spawned++; spawned > 10_000 {
					t.Fatal("a storm")
				}
				todo = append(todo, end(f, now, a.ID)...)
			}
		}
		if armed.IsZero() {
			t.Fatal("gave up")
		}
		now, armed = armed, time.Time{}
		todo = f.Step(now, Tick{})
	}
	return spawned
}

// TestBudget: the jitter cuts budgets evenly, never above the limit nor below one.
func TestBudget(t *testing.T) {
	for _, c := range []struct {
		n      int
		jitter float64
		least  int
	}{{1, 0.9, 1}, {2, 0.5, 1}, {3, 0.5, 2}, {3, 0, 3}, {10, 0.1, 9}, {10, 0.99, 1}, {100, 0.07, 93}} {
		f := New(Config{MaxTasks: c.n, Jitter: c.jitter, Rand: rand.New(rand.NewPCG(1, 2)).Float64})
		seen := map[int]int{}
		for range 20_000 {
			seen[f.budget()]++
		}
		even := 20_000 / (c.n - c.least + 1)
		for b, times := range seen {
			if b < c.least || b > c.n || times < even*3/5 || times > even*7/5 {
				t.Errorf("of %d, jitter %v: %d came %d times", c.n, c.jitter, b, times)
			}
		}
		if len(seen) != c.n-c.least+1 {
			t.Errorf("of %d, jitter %v: only %v", c.n, c.jitter, seen)
		}
	}
}

// TestNoDip plays a loaded pool through many generations: once times are learned, every place has a ready worker whenever
// one leaves, and successors are not started much too early.
func TestNoDip(t *testing.T) {
	for _, c := range []struct {
		tasks       int
		task, start time.Duration
	}{
		{100, 10 * time.Millisecond, 500 * time.Millisecond},
		{100, 10 * time.Millisecond, time.Millisecond},
		{10, 100 * time.Millisecond, 50 * time.Millisecond},
		{3, time.Second, 500 * time.Millisecond},
		{1, time.Second, 500 * time.Millisecond},
		{1000, time.Millisecond, 500 * time.Millisecond},
	} {
		t.Run(fmt.Sprint(c.tasks, c.task, c.start), func(t *testing.T) {
			p := &loaded{t: t, tasks: c.tasks, task: c.task, start: c.start, left: map[ID]int{}, watch: map[ID]int{}, ready: map[ID]bool{}}
			p.run(20)
			if p.dip > 0 {
				t.Errorf("%v without a worker", p.dip)
			}
			if lead := c.task * time.Duration(c.tasks); p.waited > 20*max(3*c.start, lead/10+2*c.task) {
				t.Errorf("spares waited for %v", p.waited)
			}
		})
	}
}

// loaded is one place that always has a task, in steps of one millisecond.
type loaded struct {
	t           *testing.T
	tasks       int
	task, start time.Duration
	f           *Fleet
	now         time.Time
	open        ID
	busyUntil   time.Time
	left, watch map[ID]int
	ready       map[ID]bool
	due         []ID // starting, in order
	dueAt       []time.Time
	generation  int
	dip, waited time.Duration
}

func (p *loaded) run(generations int) {
	p.now = start
	p.f = New(Config{Processes: 1, MaxTasks: p.tasks, Strict: true, Restart: Restart{MaxFailures: 5, Backoff: time.Second, MaxBackoff: time.Second}})
	p.step(Begin{})
	for p.generation < generations {
		p.now = p.now.Add(time.Millisecond)
		for len(p.due) > 0 && !p.now.Before(p.dueAt[0]) {
			id := p.due[0]
			p.due, p.dueAt = p.due[1:], p.dueAt[1:]
			p.ready[id] = true
			p.step(Ready{id})
		}
		p.work()
		if p.generation < 2 {
			continue
		}
		if !p.ready[p.open] {
			p.dip += time.Millisecond
		}
		for id := range p.ready {
			if id != p.open {
				p.waited += time.Millisecond
			}
		}
	}
}

func (p *loaded) work() {
	id := p.open
	if !p.ready[id] || p.now.Before(p.busyUntil) {
		return
	}
	if p.left[id] == 0 {
		p.generation++
		p.step(Drained{id, p.task})
		delete(p.ready, id)
		p.step(Exited{ID: id, Started: p.tasks})
		return
	}
	p.left[id]--
	p.busyUntil = p.now.Add(p.task)
	if left := max(1, p.left[id]); left <= p.watch[id] {
		p.step(Progress{id, left, p.task})
	}
}

func (p *loaded) step(in Input) {
	for _, a := range p.f.Step(p.now, in) {
		switch a := a.(type) {
		case Spawn:
			p.left[a.ID] = a.Budget
			p.due, p.dueAt = append(p.due, a.ID), append(p.dueAt, p.now.Add(p.start))
			if a.Open {
				p.open = a.ID
			}
		case Open:
			p.open = a.ID
		case Watch:
			p.watch[a.ID] = a.Left
		}
	}
}

// TestInfo: what the accessors tell.
func TestInfo(t *testing.T) {
	f := New(Config{
		Processes: 1, Restart: Restart{MaxFailures: 1, Backoff: time.Second, MaxBackoff: time.Second},
		Worker: func(id ID) event.Worker { return event.Worker{PID: int(id)} },
	})
	f.Step(start, Begin{})
	if f.Up() || f.StartEstimate() != 0 {
		t.Error("up before anyone is ready")
	}
	f.Step(start.Add(time.Second), Ready{1})
	if d := f.StartEstimate(); !f.Up() || d != 2*time.Second {
		t.Errorf("up %v, start estimate %v", f.Up(), d)
	}
	f.Step(start.Add(time.Second), Asked{1, event.ReasonAsked, true})
	if w, ok := f.Worker(1); !ok || w.State != event.Ready || w.Reason != event.ReasonAsked || !w.Open {
		t.Errorf("%+v", w)
	}
	boom := errors.New("boom")
	f.Step(start.Add(time.Second), SpawnFailed{2, boom})
	if err, open := f.Failing(); err != boom || open {
		t.Errorf("failing %v, open %v, while one serves", err, open)
	}
	out := f.Step(start.Add(time.Second), Exited{ID: 1})
	if err, open := f.Failing(); err == nil || !open {
		t.Errorf("failing %v, open %v", err, open)
	}
	for _, a := range out {
		if e, ok := a.(Tell); ok && e.Event.When() != start.Add(time.Second) {
			t.Errorf("%+v at %v", e, e.Event.When())
		}
	}
	f.Step(start.Add(2*time.Second), Resize{3})
	if c := f.LastChange(); f.Target() != 3 || c != (Change{1, 3, "resize", start.Add(2 * time.Second)}) {
		t.Errorf("%+v", c)
	}
	if _, ok := f.Worker(1); ok {
		t.Error("the dead live")
	}
}

// TestLingering: workers that take long to stop do not keep the place empty, up to a bound.
func TestLingering(t *testing.T) {
	f := New(Config{Processes: 1, MaxTasks: 1, Strict: true})
	f.Step(start, Begin{})
	living := func() (n int) {
		for range f.Workers() {
			n++
		}
		return n
	}
	for id := ID(1); id <= 3+lingering; id++ {
		if w, ok := f.Worker(id); !ok || !w.Open {
			t.Fatalf("worker %d is not open, %d live", id, living())
		}
		f.Step(start, Drained{ID: id})
	}
	if n := living(); n != 3+lingering {
		t.Errorf("%d live", n)
	}
	f.Step(start, Exited{ID: 1, Started: 1})
	if w, ok := f.Worker(4 + lingering); !ok || !w.Open {
		t.Error("nobody took the place when one was gone")
	}
}

// TestPace: the time per task of the pool follows that of its workers, slowly.
func TestPace(t *testing.T) {
	f := New(Config{})
	f.learnPace(80)
	f.learnPace(160)
	if f.pace != 90 {
		t.Errorf("pace %d", f.pace)
	}
	var e estimate
	e.add(800)
	e.add(1600)
	if e.mean != 900 || e.dev != 500 || e.ample() != 1900 {
		t.Errorf("%+v", e)
	}
}

// TestQueueAsked: a pool that neither scales nor is closed does not look at its queue.
func TestQueueAsked(t *testing.T) {
	asked := 0
	f := New(Config{Processes: 1, Queue: func() Demand { asked++; return Demand{} }})
	f.Step(start, Begin{})
	f.Step(start, Ready{1})
	if asked != 0 {
		t.Errorf("asked %d times", asked)
	}
	f.Step(start, Close{})
	if asked == 0 {
		t.Error("closed without a look")
	}
}
