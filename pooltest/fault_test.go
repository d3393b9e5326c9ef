//go:build linux || darwin

package pooltest_test

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/procpool/procpool"
	"github.com/procpool/procpool/pooltest"
)

var square = procpool.Define("square", func(_ context.Context, n int) (int, error) { return n * n, nil })

var marked = procpool.Define("marked", func(context.Context, int) (string, error) { return os.Getenv("POOLTEST_FAULTS"), nil })

var dawdle = procpool.Define("dawdle", func(_ context.Context, ms int) (int, error) {
	time.Sleep(time.Duration(ms) * time.Millisecond)
	return ms, nil
})

func newPool(t *testing.T, cfg procpool.Config) (*procpool.Pool, context.Context) {
	t.Helper()
	ctx, done := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(done)
	pool, err := procpool.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Terminate)
	return pool, ctx
}

// A fault shows as often as it is told to, whichever worker comes first, over pipes and over shared memory.
func TestTimes(t *testing.T) {
	pooltest.Check(t)
	fault := pooltest.Fault{At: pooltest.InFunction, Do: pooltest.Exit1, Times: 3}
	for name, cfg := range map[string]procpool.Config{
		"Misbehave": {Processes: 2, StartMethod: pooltest.Misbehave(t, fault)},
		"Env":       {Processes: 2, Env: pooltest.Env(t, fault)},
	} {
		t.Run(name, func(t *testing.T) {
			pool, ctx := newPool(t, cfg)
			failed := 0
			for i := range 20 {
				v, err := square.Apply(ctx, pool, i)
				we, ok := errors.AsType[*procpool.WorkerError](err)
				switch {
				case err == nil && v == i*i:
				case ok && we.ExitCode == 1:
					failed++
				default:
					t.Fatalf("%d: %v, %v", i, v, err)
				}
			}
			if failed != 3 {
				t.Errorf("%d tasks failed, want 3", failed)
			}
		})
	}
}

// Task and Call say which task is hit.
func TestWhich(t *testing.T) {
	pooltest.Check(t)
	pool, ctx := newPool(t, procpool.Config{Processes: 1, Env: pooltest.Env(t,
		pooltest.Fault{At: pooltest.InFunction, Do: pooltest.Kill, Task: "marked"},
		pooltest.Fault{At: pooltest.InFunction, Do: pooltest.Exit0, Call: 3},
	)})
	var exits []procpool.Cause
	for i := range 3 {
		if _, err := square.Apply(ctx, pool, i); err != nil {
			exits = append(exits, err.(*procpool.WorkerError).Cause)
		}
	}
	if _, err := marked.Apply(ctx, pool, 0); err != nil {
		exits = append(exits, err.(*procpool.WorkerError).Cause)
	}
	if len(exits) != 2 || exits[0] != procpool.CauseExited || exits[1] != procpool.CauseKilledOutside {
		t.Errorf("deaths: %v, want one of the third task and one of marked", exits)
	}
}

// Call counts what a worker runs. What it was sent behind a long task goes back to the pool, and is not counted.
func TestCallCountsWhatRuns(t *testing.T) {
	pooltest.Check(t)
	pool, ctx := newPool(t, procpool.Config{Processes: 1, Env: pooltest.Env(t,
		pooltest.Fault{At: pooltest.InFunction, Do: pooltest.Kill, Call: 950, Times: 1},
	)})
	inputs := make([]int, 1000)
	for i := 100; i < 900; i += 100 {
		inputs[i] = 10 // milliseconds
	}
	_, err := dawdle.Map(ctx, pool, inputs)
	me, ok := errors.AsType[*procpool.MapError](err)
	if !ok || len(me.Items) != 1 || me.Items[0].Index != 949 {
		t.Errorf("%v, want one failure, of item 949", err)
	}
	t.Logf("%d went back to the pool", pool.Stats().Requeued)
}

// What a worker with faults starts has none, and a slow worker is only slow.
func TestSlow(t *testing.T) {
	pooltest.Check(t)
	pool, ctx := newPool(t, procpool.Config{Processes: 1, Env: pooltest.Env(t,
		pooltest.Fault{At: pooltest.InInitializer, Do: pooltest.Slow, For: 200 * time.Millisecond},
	)})
	begin := time.Now()
	if text, err := marked.Apply(ctx, pool, 1); text != "" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
	if took := time.Since(begin); took < 100*time.Millisecond {
		t.Errorf("ready after %v", took)
	}
}
