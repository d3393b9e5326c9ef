package procpool_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/procpool/procpool"
	"github.com/procpool/procpool/event"
	"github.com/procpool/procpool/pooltest"
)

const mib = 1 << 20

var recycleKept [][]byte // in the worker

// keep makes the worker n bytes larger.
func keep(n int) {
	b := make([]byte, n)
	for i := 0; i < n; i += 4096 {
		b[i] = 1
	}
	recycleKept = append(recycleKept, b)
}

var (
	recycleKeep = procpool.Define("recycle.keep", func(ctx context.Context, n int) (string, error) {
		keep(n)
		w, _ := procpool.CurrentWorker(ctx)
		return w.Name, nil
	})
	recycleAsk = procpool.Define("recycle.ask", func(ctx context.Context, ask bool) (string, error) {
		if ask {
			procpool.RetireWorker(ctx)
		}
		w, _ := procpool.CurrentWorker(ctx)
		return w.Name, nil
	})
	recyclePanic = procpool.Define("recycle.panic", func(context.Context, int) (int, error) { panic("on purpose") })
	recycleFat   = procpool.DefineInitializer("recycle.fat", func(_ context.Context, n int) (func(), error) { keep(n); return nil, nil })
)

// Each reason to leave, with the numbers that led to it: in the events and in the counters, and never as a crash. Where the
// reason can wait, a successor is ready before the worker is retired.
func TestRecycleTriggers(t *testing.T) {
	run := func(in ...int) func(context.Context, *testing.T, *procpool.Pool) {
		return func(ctx context.Context, t *testing.T, p *procpool.Pool) {
			for _, n := range in {
				if _, err := recycleKeep.Apply(ctx, p, n); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	for _, c := range []struct {
		name   string
		cfg    procpool.Config
		do     func(context.Context, *testing.T, *procpool.Pool)
		reason procpool.Reason
		why    func(event.Figures) bool
		waits  bool // for its successor
	}{
		{
			"tasks",
			procpool.Config{MaxTasksPerChild: 2},
			run(1, 1), procpool.ReasonTaskLimit,
			func(f event.Figures) bool { return f.Tasks == 2 && f.Limit == 2 }, false,
		},
		{
			"memory",
			procpool.Config{Recycle: procpool.Recycle{Memory: 100 * mib}},
			run(1, 120*mib), procpool.ReasonMemory,
			func(f event.Figures) bool { return f.Tasks == 2 && f.Memory > 120*mib && f.Bytes == 100*mib }, true,
		},
		{
			"growth",
			procpool.Config{Recycle: procpool.Recycle{Growth: 30 * mib}},
			run(40*mib, 1, 40*mib), procpool.ReasonGrowth,
			func(f event.Figures) bool {
				// It is measured a moment after the second task, when the third may have grown it already.
				return (f.Tasks == 2 || f.Tasks == 3) && f.Baseline > 40*mib && f.Memory > f.Baseline+30*mib && f.Bytes == 30*mib
			}, true,
		},
		{
			"age",
			procpool.Config{Recycle: procpool.Recycle{Age: 200 * time.Millisecond}},
			run(1), procpool.ReasonAge,
			func(f event.Figures) bool { return f.Age >= 200*time.Millisecond }, true,
		},
		{
			"idle",
			procpool.Config{Recycle: procpool.Recycle{Idle: 100 * time.Millisecond}},
			run(1), procpool.ReasonIdle,
			func(f event.Figures) bool { return f.Idle >= 100*time.Millisecond }, true,
		},
		{
			"when",
			procpool.Config{Recycle: procpool.Recycle{When: func(w procpool.WorkerInfo) bool { return w.Tasks == 2 && w.Memory > 0 }}},
			run(1, 1),
			procpool.ReasonAsked, func(f event.Figures) bool { return f.Tasks == 2 }, true,
		},
		{
			"asked",
			procpool.Config{},
			func(ctx context.Context, t *testing.T, p *procpool.Pool) { recycleAsk.Apply(ctx, p, true) },
			procpool.ReasonAsked, func(f event.Figures) bool { return f.Tasks == 1 }, false,
		},
		{
			"panic",
			procpool.Config{Recycle: procpool.Recycle{OnPanic: true}},
			func(ctx context.Context, t *testing.T, p *procpool.Pool) { recyclePanic.Apply(ctx, p, 1) },
			procpool.ReasonPanic, func(f event.Figures) bool { return f.Tasks == 1 }, false,
		},
		{"rolling", procpool.Config{}, func(ctx context.Context, t *testing.T, p *procpool.Pool) {
			run(1)(ctx, t, p)
			if err := p.Recycle(ctx); err != nil {
				t.Error(err)
			}
		}, procpool.ReasonRolling, func(f event.Figures) bool { return f.Tasks == 1 }, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.cfg.Recycle.Memory+c.cfg.Recycle.Growth > 0 {
				onlyLinux(t)
			}
			pooltest.Check(t)
			ctx := recycleContext(t)
			c.cfg.Processes = 1
			p, log := recyclePool(t, c.cfg)
			if err := p.WaitReady(ctx); err != nil {
				t.Fatal(err)
			}
			c.do(ctx, t, p)
			gone := recycleWait(ctx, t, log, 1, exitedFor(c.reason))[0]
			if gone.Cause != procpool.Cause(0) || !c.why(gone.Why) {
				t.Errorf("it exited for %q, cause %v, because of %+v", gone.Reason, gone.Cause, gone.Why)
			}
			if got := p.Stats().Exits[c.reason]; got == 0 {
				t.Errorf("Stats.Exits is %v", p.Stats().Exits)
			}
			if c.waits {
				successorFirst(t, log, gone.Worker)
			}
			if _, err := recycleKeep.Apply(ctx, p, 1); err != nil {
				t.Error("after it: ", err)
			}
		})
	}
}

// successorFirst checks that another worker became ready between the worker and its retirement.
func successorFirst(t *testing.T, log *recycleLog, w event.Worker) {
	t.Helper()
	ready := 0
	log.mu.Lock()
	defer log.mu.Unlock()
	for _, e := range log.events {
		switch e := e.(type) {
		case event.WorkerReady:
			ready++
		case event.WorkerRetiring:
			if e.Worker == w {
				if ready < 2 {
					t.Error("it was retired before its successor was ready")
				}
				return
			}
		}
	}
	t.Error("it was never retired")
}

// A worker that asks to be replaced runs nothing more, however much was sent to it already.
func TestRecycleAskedRunsNoMore(t *testing.T) {
	pooltest.Check(t)
	ctx := recycleContext(t)
	p, log := recyclePool(t, procpool.Config{Processes: 2})
	in := make([]bool, 20000)
	for i := range in {
		in[i] = i%1000 == 999
	}
	names, err := recycleAsk.Map(ctx, p, in)
	if err != nil {
		t.Fatal(err)
	}
	asked := map[string]bool{}
	for i, name := range names {
		if in[i] {
			if asked[name] {
				t.Errorf("%s asked twice", name)
			}
			asked[name] = true
		}
	}
	recycleWait(ctx, t, log, len(asked), exitedFor(procpool.ReasonAsked))
}

// What was over the limit before its first task was done would be over it again: it is told once, and kept.
func TestRecycleMemoryMisconfigured(t *testing.T) {
	onlyLinux(t)
	for name, cfg := range map[string]procpool.Config{
		"initializer": {Initializer: recycleFat.Bind(100 * mib)},
		"first task":  {},
	} {
		t.Run(name, func(t *testing.T) {
			pooltest.Check(t)
			ctx := recycleContext(t)
			cfg.Processes, cfg.Recycle.Memory = 1, 60*mib
			p, log := recyclePool(t, cfg)
			for i := range 50 {
				n := 1
				if i == 0 && name == "first task" {
					n = 100 * mib
				}
				if _, err := recycleKeep.Apply(ctx, p, n); err != nil {
					t.Fatal(err)
				}
			}
			told := recycleWait(ctx, t, log, 1, func(event.WorkerMisconfigured) bool { return true })
			if len(told) != 1 || told[0].Reason != procpool.ReasonMemory || told[0].Why.Memory < 100*mib || told[0].Why.Bytes != 60*mib {
				t.Errorf("told %+v", told)
			}
			if st := p.Stats(); st.Started != 1 {
				t.Errorf("%d workers were started: %v", st.Started, st.Exits)
			}
		})
	}
}

// When is asked after each task, beside the results: while it does not answer, tasks go on.
func TestRecycleWhenIsBesideTheWay(t *testing.T) {
	pooltest.Check(t)
	ctx := recycleContext(t)
	asked, answer := make(chan procpool.WorkerInfo), make(chan bool)
	p, log := recyclePool(t, procpool.Config{Processes: 1, Recycle: procpool.Recycle{When: func(w procpool.WorkerInfo) bool {
		asked <- w
		return <-answer
	}}})
	for n := 1; n <= 3; n++ {
		if _, err := recycleAsk.Apply(ctx, p, false); err != nil {
			t.Fatal(err)
		}
		if w := <-asked; w.Tasks != n || w.State != procpool.StateReady || w.Memory == 0 {
			t.Errorf("after task %d it was asked about %+v", n, w)
		}
		if n < 3 {
			answer <- false
		}
	}
	for range 10 {
		if _, err := recycleAsk.Apply(ctx, p, false); err != nil {
			t.Fatal(err)
		}
	}
	answer <- true
	go func() { // ends at close, below
		for range asked {
			answer <- false
		}
	}()
	defer close(asked)
	recycleWait(ctx, t, log, 1, exitedFor(procpool.ReasonAsked))
	p.Shutdown(ctx)
}

// If successors fail to start, the old workers stay, and Recycle goes on waiting.
func TestRecycleKeepsTheOld(t *testing.T) {
	pooltest.Check(t)
	ctx := recycleContext(t)
	flag := t.TempDir() + "/fail"
	p, log := recyclePool(t, procpool.Config{Processes: 2, Initializer: recycleFlag.Bind(flag), Restart: procpool.Restart{Backoff: time.Millisecond, MaxBackoff: 10 * time.Millisecond}})
	if err := p.WaitReady(ctx); err != nil {
		t.Fatal(err)
	}
	raise(t, flag)
	short, done := context.WithCancel(ctx)
	rolled := make(chan error, 1)
	go func() { rolled <- p.Recycle(short) }() // ends when short does
	recycleWait(ctx, t, log, 8, func(event.WorkerStartFailed) bool { return true })
	for range 10 {
		if _, err := recycleAsk.Apply(ctx, p, false); err != nil {
			t.Fatal(err)
		}
	}
	if st := p.Stats(); st.Ready != 2 || st.Exits[procpool.ReasonRolling] != 0 || st.Failing != nil {
		t.Errorf("%+v", st)
	}
	done()
	if err := <-rolled; err != context.Canceled {
		t.Error(err)
	}
	if e := recycleSeen[event.WorkerStartFailed](log)[0]; !strings.Contains(e.Err.Error(), "flag is up") {
		t.Error(e.Err)
	}
}

// Jitter makes limits differ, small ones too, and never above what was set.
func TestRecycleJitter(t *testing.T) {
	pooltest.Check(t)
	ctx := recycleContext(t)
	p, log := recyclePool(t, procpool.Config{Processes: 2, MaxTasksPerChild: 4, Recycle: procpool.Recycle{Jitter: 0.5}})
	if _, err := recycleAsk.Map(ctx, p, make([]bool, 200)); err != nil {
		t.Fatal(err)
	}
	p.Shutdown(ctx)
	seen := map[int]int{}
	for _, e := range recycleSeen[event.WorkerExited](log) {
		if e.Reason == procpool.ReasonTaskLimit {
			seen[e.Why.Limit]++
			if e.Why.Tasks != e.Tasks || e.Tasks != e.Why.Limit {
				t.Errorf("%+v", e)
			}
		}
	}
	if seen[2] == 0 || seen[3] == 0 || seen[4] == 0 || len(seen) != 3 {
		t.Errorf("limits drawn: %v, want 2, 3 and 4", seen)
	}
}
