package procpool_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/procpool/procpool"
	"github.com/procpool/procpool/event"
	"github.com/procpool/procpool/pooltest"
)

// A pool grows by itself while tasks wait, tells why, and shrinks to its least size when there is nothing to do.
func TestScaleFollowsTheWork(t *testing.T) {
	pooltest.Check(t)
	ctx := recycleContext(t)
	p, log := recyclePool(t, procpool.Config{
		Processes: 1, Scale: procpool.Scale{Min: 1, Max: 4, Wait: 20 * time.Millisecond, Idle: 200 * time.Millisecond},
	})
	if err := p.WaitReady(ctx); err != nil {
		t.Fatal(err)
	}
	// One map, one submission: nothing but the wait tells of it.
	r := rulesWait.MapAsync(ctx, p, slices.Repeat([]time.Duration{time.Hour}, 12))
	grown := recycleWait(ctx, t, log, 1, func(e event.PoolResized) bool { return e.To == 4 })[0]
	if st := p.Stats(); grown.Reason != "grow" || st.Processes != 4 || st.LastResize.Reason != "grow" || st.LastResize.To != 4 {
		t.Errorf("%+v, %+v", grown, st.LastResize)
	}
	recycleWait(ctx, t, log, 4, func(event.WorkerReady) bool { return true })
	r.Cancel()
	recycleWait(ctx, t, log, 1, func(e event.PoolResized) bool { return e.To == 1 && e.Reason == "shrink" })
	for _, e := range recycleWait(ctx, t, log, 3, exitedFor(procpool.ReasonShrink)) {
		if e.Cause != 0 || e.Why.Idle < 200*time.Millisecond {
			t.Errorf("%+v", e)
		}
	}
	if st := p.Stats(); st.Processes != 1 || st.Exits[procpool.ReasonShrink] != 3 || st.LastResize.Reason != "shrink" {
		t.Errorf("%+v", st)
	}
}

// Scaled to zero there is no process; the first task then waits for one start, and no more.
func TestScaleFromZero(t *testing.T) {
	pooltest.Check(t)
	ctx := recycleContext(t)
	p, log := recyclePool(t, procpool.Config{
		Processes: 1, Initializer: recycleInit.Bind(300 * time.Millisecond),
		Scale: procpool.Scale{Min: 0, Max: 2, Wait: time.Hour, Idle: 50 * time.Millisecond},
	})
	for n := 1; n <= 2; n++ {
		recycleWait(ctx, t, log, n, exitedFor(procpool.ReasonShrink))
		if st := p.Stats(); st.Processes != 0 || len(p.Workers()) != 0 {
			t.Fatalf("%+v", st)
		}
		if _, err := recycleSleep.Apply(ctx, p, 0); err != nil {
			t.Fatal(err)
		}
		if st := p.Stats(); st.Started != uint64(n+1) {
			t.Errorf("%d workers for %d tasks", st.Started, n)
		}
	}
	finished := recycleWait(ctx, t, log, 2, func(event.TaskFinished) bool { return true })
	ready := recycleSeen[event.WorkerReady](log)
	for i, e := range finished {
		if over := e.Wait + e.Run - ready[i+1].Took; over > 20*time.Second {
			t.Errorf("task %d waited %v beyond the start of %v", i, over, ready[i+1].Took)
		}
	}
}

func TestScaleResize(t *testing.T) {
	pooltest.Check(t)
	ctx := recycleContext(t)
	p, log := recyclePool(t, procpool.Config{Processes: 1})
	r := rulesWait.MapAsync(ctx, p, []time.Duration{time.Hour, time.Hour, time.Hour})
	if err := p.Resize(3); err != nil {
		t.Fatal(err)
	}
	ran := map[string]bool{}
	for _, e := range recycleWait(ctx, t, log, 3, func(event.TaskStarted) bool { return true }) {
		ran[e.Worker.Name] = true
	}
	if len(ran) != 3 {
		t.Errorf("tasks run in %v: want three workers", ran)
	}
	r.Cancel()
	if err := p.Resize(1); err != nil {
		t.Fatal(err)
	}
	recycleWait(ctx, t, log, 2, exitedFor(procpool.ReasonShrink))
	if st := p.Stats(); st.Processes != 1 || st.Ready != 1 || st.LastResize.Reason != "resize" || st.LastResize.From != 3 {
		t.Errorf("%+v", st)
	}
	if p.Resize(0) == nil {
		t.Error("a pool of nobody is not an error")
	}
}

// In fake time: the pool grows when a task has waited for Scale.Wait, not before; a worker that is idle leaves after
// Scale.Idle, not before; and one that works now and then stays.
func TestScaleTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var resized []event.PoolResized
		p, err := procpool.New(procpool.Config{
			Processes: 1, StartMethod: procpool.Goroutines(),
			Scale: procpool.Scale{Min: 1, Max: 2, Wait: time.Second, Idle: time.Minute},
			OnEvent: func(e event.Event) {
				if e, ok := e.(event.PoolResized); ok {
					resized = append(resized, e)
				}
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx := context.Background()
		r := recycleSleep.MapAsync(ctx, p, []time.Duration{10 * time.Second, 10 * time.Second})
		if _, err := r.Get(ctx); err != nil {
			t.Fatal(err)
		}
		if d := time.Since(start); d < 11*time.Second || d > 11200*time.Millisecond {
			t.Errorf("took %v: the second task should have waited for a second", d)
		}
		time.Sleep(2 * time.Minute)
		if err := p.Shutdown(ctx); err != nil {
			t.Fatal(err)
		}
		if len(resized) != 2 {
			t.Fatalf("%+v", resized)
		}
		grew, shrank := resized[0].Time.Sub(start), resized[1].Time.Sub(start)
		if grew < time.Second || grew > 1100*time.Millisecond || shrank < 70*time.Second || shrank > 72*time.Second {
			t.Errorf("grew after %v, shrank after %v", grew, shrank)
		}
	})
}

// In fake time: age and idleness.
func TestRecycleTimes(t *testing.T) {
	for name, c := range map[string]struct {
		r      procpool.Recycle
		reason procpool.Reason
		after  time.Duration
	}{
		"age":  {procpool.Recycle{Age: time.Hour}, procpool.ReasonAge, time.Hour},
		"idle": {procpool.Recycle{Idle: time.Hour}, procpool.ReasonIdle, time.Hour + 10*time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				var exits []event.WorkerExited
				p, err := procpool.New(procpool.Config{
					Processes: 2, StartMethod: procpool.Goroutines(), Recycle: c.r,
					OnEvent: func(e event.Event) {
						if e, ok := e.(event.WorkerExited); ok {
							exits = append(exits, e)
						}
					},
				})
				if err != nil {
					t.Fatal(err)
				}
				ctx := context.Background()
				if _, err := recycleSleep.Map(ctx, p, []time.Duration{10 * time.Second, 10 * time.Second}); err != nil {
					t.Fatal(err)
				}
				time.Sleep(90 * time.Minute)
				if err := p.Shutdown(ctx); err != nil {
					t.Fatal(err)
				}
				left := 0
				for _, e := range exits {
					if e.Reason == c.reason {
						left++
						if at := e.Time.Sub(start); at < c.after || at > c.after+time.Second {
							t.Errorf("%s left after %v, want %v", e.Worker.Name, at, c.after)
						}
					}
				}
				if left != 2 {
					t.Errorf("%d left: %+v", left, exits)
				}
			})
		})
	}
}

// A pool shrinks, closes or terminates while most of its new workers wait to be launched.
func TestEndsAmongLaunches(t *testing.T) {
	for name, end := range map[string]func(context.Context, *procpool.Pool) error{
		"shrink":    func(ctx context.Context, p *procpool.Pool) error { p.Resize(1); return p.Shutdown(ctx) },
		"shutdown":  func(ctx context.Context, p *procpool.Pool) error { return p.Shutdown(ctx) },
		"terminate": func(ctx context.Context, p *procpool.Pool) error { p.Terminate(); return p.Join(ctx) },
	} {
		t.Run(name, func(t *testing.T) {
			pooltest.Check(t)
			ctx := recycleContext(t)
			p, err := procpool.New(procpool.Config{Processes: 1})
			if err != nil {
				t.Fatal(err)
			}
			defer p.Terminate()
			r := recycleSleep.ApplyAsync(ctx, p, 0)
			p.Resize(60)
			if err := end(ctx, p); err != nil {
				t.Error(err)
			}
			if _, err := r.Get(ctx); err != nil && (name != "terminate" || err != procpool.ErrTerminated) {
				t.Error("the task:", err)
			}
		})
	}
}
