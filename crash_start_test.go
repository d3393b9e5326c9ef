//go:build linux || darwin

package procpool_test

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/procpool/procpool"
	"github.com/procpool/procpool/event"
	"github.com/procpool/procpool/pooltest"
)

var (
	crashInit = procpool.DefineInitializer("crash.init", func(ctx context.Context, how string) (func(), error) {
		switch how {
		case "error":
			return nil, errors.New("no licence")
		case "panic":
			panic("no mercy")
		case "exit":
			os.Stderr.WriteString("no way\n")
			os.Exit(7)
		case "hang":
			<-ctx.Done()
		}
		return nil, nil
	})
	crashInitFile = procpool.DefineInitializer("crash.init.file", func(_ context.Context, path string) (func(), error) {
		_, err := os.Stat(path)
		return nil, err
	})
	crashPoison = procpool.Define("crash.poison", func(context.Context, int) (int, error) {
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	})
)

// crashFast makes a pool give up and try again soon.
var crashFast = procpool.Restart{MaxFailures: 3, Backoff: 5 * time.Millisecond, MaxBackoff: 40 * time.Millisecond}

func crashContext(t *testing.T) context.Context {
	ctx, done := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(done)
	return ctx
}

func crashPool(t *testing.T, cfg procpool.Config) *procpool.Pool {
	t.Helper()
	if cfg.Stderr == nil {
		cfg.Stderr = io.Discard
	}
	pool, err := procpool.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Terminate)
	return pool
}

// After MaxFailures starts in a row tasks fail, those that waited and new ones, with the real reason and what the worker
// wrote.
func TestStartFailures(t *testing.T) {
	pooltest.Check(t)
	for how, want := range map[string]struct {
		reason, stderr string
		exit           int
	}{
		"error": {"initialize: no licence", "", -1},
		"panic": {"initialize: panic: no mercy", "", -1},
		"exit":  {"it ended before it was ready", "no way", 7},
		"hang":  {"not ready within 1s", "", -1},
	} {
		t.Run(how, func(t *testing.T) {
			ctx := crashContext(t)
			var seen crashEvents
			cfg := procpool.Config{Processes: 2, Initializer: crashInit.Bind(how), Restart: crashFast, OnEvent: seen.add, Grace: 50 * time.Millisecond}
			if how == "hang" {
				cfg.StartTimeout = time.Second
				cfg.Restart.MaxFailures = 1
			}
			pool := crashPool(t, cfg)
			waited := crashOther.MapAsync(ctx, pool, crashInputs(10))
			_, err := crashOther.Apply(ctx, pool, 1)
			se, ok := errors.AsType[*procpool.StartError](err)
			if !ok {
				t.Fatalf("%T %v, want a StartError", err, err)
			}
			if se.Attempts != cfg.Restart.MaxFailures || !strings.Contains(se.Error(), want.reason) || !strings.Contains(se.Stderr, want.stderr) {
				t.Errorf("%d attempts, %v; want %d, %q, %q", se.Attempts, se, cfg.Restart.MaxFailures, want.reason, want.stderr)
			}
			if want.exit >= 0 && se.ExitCode != want.exit {
				t.Errorf("exit %d, want %d", se.ExitCode, want.exit)
			}
			if _, err := waited.Get(ctx); !errors.As(err, &se) {
				t.Errorf("what waited: %v, want a StartError", err)
			}
			if err := pool.WaitReady(ctx); !errors.As(err, &se) {
				t.Errorf("WaitReady: %v, want a StartError", err)
			}
			if pool.Stats().Failing == nil {
				t.Error("Stats says that all is well")
			}
			pool.Terminate()
			if err := pool.Join(ctx); err != nil { // all events have been told then
				t.Error(err)
			}
			var last time.Duration
			for _, e := range crashEventsOf[event.WorkerStartFailed](&seen) {
				if e.Backoff < last/2 || e.Backoff > crashFast.MaxBackoff {
					t.Errorf("backoff %v after %v", e.Backoff, last)
				}
				last = e.Backoff
			}
			if n := len(crashEventsOf[event.CircuitOpened](&seen)); n == 0 {
				t.Error("nobody told that the circuit opened")
			}
		})
	}
}

// One probe after another tries whether starting works again; when it does, the pool serves.
func TestProbeHeals(t *testing.T) {
	pooltest.Check(t)
	ctx := crashContext(t)
	healed := make(chan struct{}, 10)
	path := t.TempDir() + "/licence"
	pool := crashPool(t, procpool.Config{
		Processes: 2, Initializer: crashInitFile.Bind(path), Restart: crashFast,
		OnEvent: func(e event.Event) {
			if _, ok := e.(event.CircuitClosed); ok {
				healed <- struct{}{}
			}
		},
	})
	if _, err := crashOther.Apply(ctx, pool, 1); !errors.Is(err, os.ErrNotExist) && !strings.Contains(err.Error(), "no such file") {
		t.Fatalf("%v, want the initializer's error", err)
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	select {
	case <-healed:
	case <-ctx.Done():
		t.Fatal("the circuit stays open")
	}
	if v, err := crashOther.Apply(ctx, pool, 21); v != 42 || err != nil {
		t.Errorf("%v, %v after the circuit closed", v, err)
	}
	if err := pool.Stats().Failing; err != nil {
		t.Errorf("Stats still says: %v", err)
	}
}

// Workers that die idle, before a first task, count as failed starts; else they would be replaced without end.
func TestDeathBeforeTheFirstTaskCounts(t *testing.T) {
	pooltest.Check(t)
	ctx := crashContext(t)
	opened := make(chan error, 100)
	crashPool(t, procpool.Config{
		Processes: 1, Restart: crashFast, Env: pooltest.Env(t, pooltest.Fault{At: pooltest.Idle, Do: pooltest.Exit1}),
		OnEvent: func(e event.Event) {
			if e, ok := e.(event.CircuitOpened); ok {
				opened <- e.Err
			}
		},
	})
	select {
	case err := <-opened:
		if !strings.Contains(err.Error(), "exit status 1") {
			t.Errorf("%v, want the exit status", err)
		}
	case <-ctx.Done():
		t.Fatal("the circuit stays closed")
	}
}

// A death under a task is the task's, however often it happens: no backoff, no circuit.
func TestDeathUnderATaskNeverCounts(t *testing.T) {
	pooltest.Check(t)
	ctx := crashContext(t)
	var seen crashEvents
	pool := crashPool(t, procpool.Config{Processes: 2, Restart: crashFast, OnEvent: seen.add})
	for range 12 {
		if _, err := crashPoison.Apply(ctx, pool, 0); !isKilled(err) {
			t.Fatalf("%v, want a WorkerError", err)
		}
	}
	if err := crashDoubled(crashOther.Map(ctx, pool, crashInputs(20))); err != nil {
		t.Error(err)
	}
	if err := pool.Stats().Failing; err != nil {
		t.Error(err)
	}
	if err := pool.Shutdown(ctx); err != nil { // a task resolves before its worker's exit counts
		t.Error(err)
	}
	if n := len(crashEventsOf[event.WorkerStartFailed](&seen)); n != 0 {
		t.Errorf("%d starts failed", n)
	}
	if s := pool.Stats(); s.Exits[procpool.ReasonKilled] != 12 {
		t.Errorf("%+v", s)
	}
}

func isKilled(err error) bool {
	we, ok := errors.AsType[*procpool.WorkerError](err)
	return ok && we.Cause == procpool.CauseKilledOutside && we.Signal == syscall.SIGKILL
}

// A task that kills every worker it meets runs as often as Retries allows, and nobody else notices.
func TestPoisonTask(t *testing.T) {
	pooltest.Check(t)
	ctx := crashContext(t)
	var seen crashEvents
	pool := crashPool(t, procpool.Config{Processes: 2, Restart: crashFast, OnEvent: seen.add})
	poison := crashPoison.With(procpool.CallOptions{Retries: 9, Priority: 1})
	var poisoned []*procpool.AsyncResult[int]
	for range 2 {
		poisoned = append(poisoned, poison.ApplyAsync(ctx, pool, 0))
	}
	for range 20 {
		if err := crashDoubled(crashOther.Map(ctx, pool, crashInputs(20))); err != nil {
			t.Fatal(err)
		}
	}
	for _, r := range poisoned {
		_, err := r.Get(ctx)
		we, ok := errors.AsType[*procpool.WorkerError](err)
		if !ok || we.Attempt != 10 {
			t.Errorf("%v, want the tenth attempt's WorkerError", err)
		}
	}
	if err := pool.Shutdown(ctx); err != nil {
		t.Error(err)
	}
	if n := len(crashEventsOf[event.WorkerStartFailed](&seen)); n != 0 {
		t.Errorf("%d starts failed", n)
	}
	if s := pool.Stats(); s.Retried != 18 || s.Failed != 2 {
		t.Errorf("%d retried, %d failed, want 18, 2", s.Retried, s.Failed)
	}
}

// A deep window dies with its worker, and only what had started fails: the rest runs elsewhere, once.
func TestDeepWindow(t *testing.T) {
	pooltest.Check(t)
	for _, over := range []string{"spawn", "command"} {
		t.Run(over, func(t *testing.T) {
			ctx := crashContext(t)
			cfg := procpool.Config{Processes: 1}
			f := pooltest.Fault{At: pooltest.InFunction, Do: pooltest.Kill, Call: 700, Times: 3}
			if over == "spawn" {
				cfg.Env = pooltest.Env(t, f)
			} else {
				cfg.StartMethod = pooltest.Misbehave(t, f)
			}
			pool := crashPool(t, cfg)
			out, err := crashOther.Map(ctx, pool, crashInputs(3000))
			me, ok := errors.AsType[*procpool.MapError](err)
			if !ok || len(me.Items) != 3 {
				t.Fatalf("%v, want three failures", err)
			}
			failed := map[int]bool{}
			for _, it := range me.Items {
				failed[it.Index] = isKilled(it)
			}
			for i, v := range out {
				if v != 2*i && !failed[i] {
					t.Fatalf("item %d: %d", i, v)
				}
			}
			t.Logf("%d requeued", pool.Stats().Requeued)
		})
	}
}
