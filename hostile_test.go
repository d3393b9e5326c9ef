//go:build linux || darwin

package procpool_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/procpool/procpool"
	"github.com/procpool/procpool/event"
	"github.com/procpool/procpool/pooltest"
)

// hostile are workers that speak nonsense, and what the pool says about them.
var hostile = []struct {
	at   pooltest.Point
	do   pooltest.Behaviour
	says string
	lost bool // the task that it had started
}{
	{pooltest.BeforeHello, pooltest.Twice, "it sent hello twice", false},
	{pooltest.BeforeHello, pooltest.OutOfTurn, "it said ready before hello, or twice", false},
	{pooltest.BeforeHello, pooltest.Foreign, "it answered call 1000 before it was ready", false},
	{pooltest.BeforeHello, pooltest.Garbage, "it sent a frame of type 128", false},
	{pooltest.BeforeHello, pooltest.TooHuge, "claims a body of 4294967295 bytes, more than", false},
	{pooltest.BeforeHello, pooltest.Unknown, "frames that mean nothing", false},
	{pooltest.InInitializer, pooltest.Foreign, "it answered call 1000 before it was ready", false},
	{pooltest.InFunction, pooltest.Foreign, "when call", true},
	{pooltest.InFunction, pooltest.Early, "when call", true},
	{pooltest.InFunction, pooltest.OutOfTurn, "it said ready before hello, or twice", true},
	{pooltest.InFunction, pooltest.TooHuge, "claims a body of 4294967295 bytes, more than", true},
	{pooltest.InFunction, pooltest.Unknown, "frames that mean nothing", true},
	{pooltest.InFunction, pooltest.Garbage, "it sent a frame of type 128", true},
}

func TestHostileWorkers(t *testing.T) {
	pooltest.Check(t)
	for _, over := range []string{"spawn", "command"} {
		for _, h := range hostile {
			t.Run(strings.ReplaceAll(fmt.Sprintf("%s/%s/%s", over, h.at, h.do), " ", "_"), func(t *testing.T) {
				f := pooltest.Fault{At: h.at, Do: h.do, Times: 1}
				if h.at == pooltest.InFunction {
					f.Task = "crash.victim"
				}
				told, err := hostileRun(t, over, f, 0)
				switch {
				case h.lost:
					hostileError(t, err, h.says)
				case err != nil:
					t.Errorf("victim: %v", err)
				}
				if !h.lost && h.says != "" && !strings.Contains(told, h.says) {
					t.Errorf("told %q, want it to say %q", told, h.says)
				}
			})
		}
	}
}

func hostileError(t *testing.T, err error, says string) {
	t.Helper()
	we, ok := errors.AsType[*procpool.WorkerError](err)
	if !ok || we.Cause != procpool.CauseProtocol || !strings.Contains(we.Error(), says) {
		t.Errorf("victim: %v, want a protocol error that says %q", err, says)
	}
}

// A worker that says something twice goes on meanwhile, and may start the next task before it is found out. That one
// task fails, no other.
func TestHostileTwice(t *testing.T) {
	pooltest.Check(t)
	for _, over := range []string{"spawn", "command"} {
		for _, at := range []pooltest.Point{pooltest.InInitializer, pooltest.InFunction} {
			t.Run(strings.ReplaceAll(over+"/"+string(at), " ", "_"), func(t *testing.T) {
				ctx := crashContext(t)
				f := pooltest.Fault{At: at, Do: pooltest.Twice, Times: 1}
				cfg := procpool.Config{Processes: 2}
				if over == "spawn" {
					cfg.Env = pooltest.Env(t, f)
				} else {
					cfg.StartMethod = pooltest.Misbehave(t, f)
				}
				pool := crashPool(t, cfg)
				_, err := crashOther.Map(ctx, pool, crashInputs(100))
				me, ok := errors.AsType[*procpool.MapError](err)
				if err != nil && (!ok || len(me.Items) != 1) {
					t.Fatalf("%v, want one failure at most", err)
				}
				if err != nil {
					hostileError(t, me.Items[0].Err, "")
				}
				if err := crashDoubled(crashOther.Map(ctx, pool, crashInputs(100))); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// hostileRun runs a victim and some others on a pool with one such worker; a timeout is for those that would not end. It
// returns the reason of the failed start, and the victim's error.
func hostileRun(t *testing.T, over string, f pooltest.Fault, timeout time.Duration) (told string, err error) {
	ctx, done := context.WithTimeout(context.Background(), time.Minute)
	defer done()
	var seen crashEvents
	cfg := procpool.Config{
		Processes: 2, Grace: 50 * time.Millisecond, Stdout: io.Discard, Stderr: io.Discard, OnEvent: seen.add,
		Restart: procpool.Restart{Backoff: time.Millisecond}, StartTimeout: 10 * time.Second,
	}
	if over == "spawn" {
		cfg.Env = pooltest.Env(t, f)
	} else {
		cfg.StartMethod = pooltest.Misbehave(t, f)
	}
	pool, err := procpool.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Terminate()
	if err := pool.WaitReady(ctx); err != nil {
		t.Error(err)
	}
	others := crashOther.MapAsync(ctx, pool, crashInputs(30))
	v, err := crashVictim.With(procpool.CallOptions{Timeout: timeout}).Apply(ctx, pool, 41)
	if err == nil && v != 42 {
		t.Errorf("victim: %d", v)
	}
	for _, e := range []error{crashDoubled(others.Get(ctx)), crashDoubled(crashOther.Map(ctx, pool, crashInputs(30)))} {
		if e != nil {
			t.Error(e)
		}
	}
	if e := pool.Shutdown(ctx); e != nil {
		t.Error("Shutdown:", e)
	}
	for _, e := range crashEventsOf[event.WorkerStartFailed](&seen) {
		told += e.Err.Error()
	}
	return told, err
}

// What a worker claims costs no memory until it has come, and what it prints never does.
func TestHostileSizesCostNoMemory(t *testing.T) {
	pooltest.Check(t)
	for _, do := range []pooltest.Behaviour{pooltest.Huge, pooltest.Flood} {
		for _, over := range []string{"spawn", "command"} {
			t.Run(strings.ReplaceAll(over+"/"+string(do), " ", "_"), func(t *testing.T) {
				before := hostileMemory()
				_, err := hostileRun(t, over, pooltest.Fault{At: pooltest.InFunction, Do: do, Task: "crash.victim", Times: 1}, time.Second)
				if we, ok := errors.AsType[*procpool.WorkerError](err); !ok || we.Cause != procpool.CauseTimedOut {
					t.Errorf("victim: %v, want a timeout", err)
				}
				if after := hostileMemory(); after > before+64<<20 {
					t.Errorf("the pool's memory grew from %d to %d", before, after)
				}
			})
		}
	}
}

// hostileMemory is what the program has from the system.
func hostileMemory() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapSys - m.HeapReleased
}

// A worker that writes random bytes to all its descriptors and over the board harms itself only, and what it had started.
func TestHostileRandom(t *testing.T) {
	pooltest.Check(t)
	for _, over := range []string{"spawn", "command"} {
		for seed := range uint64(8) {
			for _, at := range []pooltest.Point{pooltest.InInitializer, pooltest.InFunction} {
				t.Run(fmt.Sprintf("%s/%s/%d", over, strings.ReplaceAll(string(at), " ", "_"), seed), func(t *testing.T) {
					f := pooltest.Fault{At: at, Do: pooltest.Random, Seed: seed, Times: 1}
					if at == pooltest.InFunction {
						f.Task = "crash.victim"
					}
					_, err := hostileRun(t, over, f, time.Second)
					if _, ok := errors.AsType[*procpool.WorkerError](err); err != nil && !ok {
						t.Logf("victim: %v", err) // it may well have got a result that is nonsense
					}
				})
			}
		}
	}
}

// A worker that overwrites the shared memory ends with a protocol error, or by its timeout.
func TestHostileBoard(t *testing.T) {
	pooltest.Check(t)
	for _, over := range []string{"spawn", "command"} {
		for _, at := range []pooltest.Point{pooltest.InFunction, pooltest.AfterResult} {
			t.Run(strings.ReplaceAll(over+"/"+string(at), " ", "_"), func(t *testing.T) {
				ctx, done := context.WithTimeout(context.Background(), time.Minute)
				defer done()
				cfg := procpool.Config{Processes: 1, Grace: 50 * time.Millisecond, Stderr: io.Discard}
				f := pooltest.Fault{At: at, Do: pooltest.BadBoard, Task: "crash.victim", Times: 1}
				if over == "spawn" {
					cfg.Env = pooltest.Env(t, f)
				} else {
					cfg.StartMethod = pooltest.Misbehave(t, f)
				}
				pool, err := procpool.New(cfg)
				if err != nil {
					t.Fatal(err)
				}
				defer pool.Terminate()
				v, err := crashVictim.Apply(ctx, pool, 41)
				if at == pooltest.InFunction {
					hostileError(t, err, "")
				} else if err != nil && over == "spawn" { // it may have overwritten its answer, too, which lies beside the board
					hostileError(t, err, "")
				} else if v != 42 || err != nil {
					t.Errorf("%v, %v, want a result", v, err)
				}
				// The next one may be in the worker's hands when it is found out; nobody can tell then whether it has started.
				if _, err := crashOther.Apply(ctx, pool, 1); err != nil {
					hostileError(t, err, "")
				}
				if err := crashDoubled(crashOther.Map(ctx, pool, crashInputs(30))); err != nil {
					t.Error(err)
				}
			})
		}
	}
}
