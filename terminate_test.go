//go:build linux || darwin

package procpool_test

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/procpool/procpool"
	"github.com/procpool/procpool/event"
	"github.com/procpool/procpool/pooltest"
)

var (
	termStubborn = procpool.Define("term.stubborn", func(context.Context, int) (int, error) {
		signal.Ignore(syscall.SIGTERM)
		println("in")
		select {}
	})
	termStopped = procpool.Define("term.stopped", func(context.Context, int) (int, error) {
		println("in")
		syscall.Kill(os.Getpid(), syscall.SIGSTOP)
		select {}
	})
	termFlood = procpool.Define("term.flood", func(context.Context, int) (int, error) {
		println("in")
		b := make([]byte, 64<<10)
		for {
			os.Stderr.Write(b)
		}
	})
	termLines = procpool.Define("term.lines", func(context.Context, int) (int, error) {
		println("in")
		for {
			os.Stderr.WriteString("again and again and again\n")
		}
	})
	termFamily = procpool.Define("term.family", func(context.Context, int) (int, error) {
		exec.Command("sh", "-c", "trap '' TERM; sleep 1000 & sleep 1000").Start()
		println("in")
		select {}
	})
	termBig = procpool.Define("term.big", func(_ context.Context, b []byte) ([]byte, error) {
		return make([]byte, 64<<20), nil
	})
	termSleep = procpool.Define("term.sleep", func(ctx context.Context, d time.Duration) (int, error) {
		select {
		case <-time.After(d):
			return 1, nil
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	})
)

// termWithin is what Terminate may take: on a machine that is free a second, and here far less than any Grace.
const termWithin = 20 * time.Second

// first is a writer that tells when it is first written to.
type first struct {
	once sync.Once
	done chan struct{}
	hold chan struct{} // nil, or what a write waits for
}

func newFirst() *first { return &first{done: make(chan struct{})} }

func (f *first) Write(p []byte) (int, error) {
	f.once.Do(func() { close(f.done) })
	if f.hold != nil {
		<-f.hold
	}
	return len(p), nil
}

// terminate terminates and fails if it takes too long.
func terminate(t *testing.T, pool *procpool.Pool) {
	t.Helper()
	begin := time.Now()
	pool.Terminate()
	took := time.Since(begin)
	t.Logf("Terminate took %v", took)
	if took > termWithin {
		t.Error("that is too long")
	}
}

func wantTerminated(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, procpool.ErrTerminated) {
		t.Errorf("%v, want ErrTerminated", err)
	}
}

// TestTerminateStates terminates while workers are in the worst of states: on both are one task that is in it, and some
// that wait.
func TestTerminateStates(t *testing.T) {
	pooltest.Check(t)
	for name, task := range map[string]procpool.Task[int, int]{
		"stopped": termStopped, "ignores SIGTERM": termStubborn, "floods stderr": termFlood,
		"floods stderr with lines": termLines, "has grandchildren": termFamily,
	} {
		t.Run(name, func(t *testing.T) {
			ctx := crashContext(t)
			in := newFirst()
			pool := crashPool(t, procpool.Config{Processes: 2, Stderr: in, Grace: time.Hour})
			running := task.ApplyAsync(ctx, pool, 1)
			<-in.done
			waiting := task.MapAsync(ctx, pool, crashInputs(5))
			terminate(t, pool)
			_, err := running.Get(ctx)
			wantTerminated(t, err)
			_, err = waiting.Get(ctx)
			wantTerminated(t, err)
			_, err = task.Apply(ctx, pool, 1)
			wantTerminated(t, err)
		})
	}
}

// TestTerminateFaults terminates while a worker is within a frame, before hello, or does not read its pipe.
func TestTerminateFaults(t *testing.T) {
	pooltest.Check(t)
	for _, over := range []string{"spawn", "command"} {
		for _, f := range []pooltest.Fault{
			{At: pooltest.InResult, Do: pooltest.Hang, Offset: 10},
			{At: pooltest.InFunction, Do: pooltest.Huge},
			{At: pooltest.BeforeHello, Do: pooltest.Stop},
			{At: pooltest.BeforeHello, Do: pooltest.IgnoreTerm},
			{At: pooltest.InInitializer, Do: pooltest.Hang},
			{At: pooltest.Received, Do: pooltest.Stop},
			{At: pooltest.Idle, Do: pooltest.Close},
			{At: pooltest.Idle, Do: pooltest.Flood},
		} {
			t.Run(over+"/"+string(f.At)+"/"+string(f.Do), func(t *testing.T) {
				ctx := crashContext(t)
				cfg := procpool.Config{Processes: 2, Grace: time.Hour}
				if over == "spawn" {
					cfg.Env = pooltest.Env(t, f)
				} else {
					cfg.StartMethod = pooltest.Misbehave(t, f)
				}
				pool := crashPool(t, cfg)
				full := termBig.MapAsync(ctx, pool, [][]byte{make([]byte, 8<<20), make([]byte, 8<<20), nil})
				short, done := context.WithTimeout(ctx, 100*time.Millisecond)
				defer done()
				full.Wait(short)
				terminate(t, pool)
				_, err := full.Get(ctx)
				wantTerminated(t, err)
			})
		}
	}
}

// TestTerminateMidSpawn terminates while workers are about to start, at once and a little later.
func TestTerminateMidSpawn(t *testing.T) {
	pooltest.Check(t)
	for i := range 15 {
		pool := crashPool(t, procpool.Config{Processes: 4, Grace: time.Hour})
		r := termSleep.ApplyAsync(context.Background(), pool, time.Hour)
		short, done := context.WithTimeout(context.Background(), time.Duration(i)*3*time.Millisecond)
		r.Wait(short)
		done()
		terminate(t, pool)
		_, err := r.Get(context.Background())
		wantTerminated(t, err)
	}
}

// A writer that blocks holds up Join, which waits for the output, but no task and not Terminate.
func TestTerminateBlockedWriter(t *testing.T) {
	pooltest.Check(t)
	ctx := crashContext(t)
	in := newFirst()
	in.hold = make(chan struct{})
	pool := crashPool(t, procpool.Config{Processes: 2, Stderr: in, Grace: time.Hour})
	r := termFlood.ApplyAsync(ctx, pool, 1)
	<-in.done
	if v, err := crashOther.Apply(ctx, pool, 21); v != 42 || err != nil {
		t.Errorf("%v, %v beside a blocked writer", v, err)
	}
	if _, err := crashPoison.Apply(ctx, pool, 1); !isKilled(err) {
		t.Errorf("%v beside a blocked writer", err)
	}
	over := make(chan struct{})
	go func() { // ends when Terminate returns, and is waited for below
		pool.Terminate()
		close(over)
	}()
	_, err := r.Get(ctx)
	wantTerminated(t, err)
	select {
	case <-over:
	case <-time.After(termWithin):
		t.Error("Terminate waits for the writer")
	}
	close(in.hold)
	<-over
	if err := pool.Join(ctx); err != nil {
		t.Error(err)
	}
}

// Terminate may be called from a callback, twice, and from many places at once.
func TestTerminateFromCallback(t *testing.T) {
	pooltest.Check(t)
	ctx := crashContext(t)
	pool := crashPool(t, procpool.Config{Processes: 2, Grace: time.Hour})
	waiting := termSleep.MapAsync(ctx, pool, []time.Duration{time.Hour, time.Hour, time.Hour})
	called := make(chan time.Duration, 1)
	crashOther.With(procpool.CallOptions{Priority: 1}).ApplyAsync(ctx, pool, 1)
	r := procpool.Declare[int, int]("nope").With(procpool.CallOptions{Priority: 1}).ApplyAsync(ctx, pool, 1)
	r.OnError(func(error) {
		begin := time.Now()
		pool.Terminate()
		pool.Terminate()
		called <- time.Since(begin)
	})
	r.Cancel()
	select {
	case took := <-called:
		if took > termWithin {
			t.Errorf("Terminate took %v", took)
		}
	case <-ctx.Done():
		t.Fatal("Terminate hangs in a callback")
	}
	_, err := waiting.Get(ctx)
	wantTerminated(t, err)
	if err := pool.Join(ctx); err != nil {
		t.Error(err)
	}
}

func TestTerminateFromOnEvent(t *testing.T) {
	pooltest.Check(t)
	ctx := crashContext(t)
	var pool *procpool.Pool
	made, over := make(chan struct{}), make(chan struct{})
	var once sync.Once
	pool = crashPool(t, procpool.Config{Processes: 2, OnEvent: func(e event.Event) {
		if _, ok := e.(event.WorkerReady); ok {
			once.Do(func() {
				<-made
				pool.Terminate()
				close(over)
			})
		}
	}})
	close(made)
	select {
	case <-over:
	case <-ctx.Done():
		t.Fatal("Terminate hangs in OnEvent")
	}
	if err := pool.Join(ctx); err != nil {
		t.Error(err)
	}
}

// TestTerminateRaces terminates while everything else is called.
func TestTerminateRaces(t *testing.T) {
	pooltest.Check(t)
	for i := range 12 {
		ctx := crashContext(t)
		pool := crashPool(t, procpool.Config{Processes: 2, Stdout: io.Discard, Grace: time.Hour})
		r := termSleep.MapAsync(ctx, pool, make([]time.Duration, 200))
		var group sync.WaitGroup
		for _, f := range []func(){
			pool.Close, pool.Terminate, pool.Terminate,
			func() { pool.Join(ctx) },
			func() { pool.Resize(4) }, func() { pool.Resize(1) },
			func() { pool.Recycle(ctx) },
			func() { pool.Shutdown(ctx) },
			func() { pool.Stats(); pool.Workers() },
			func() { termSleep.Apply(ctx, pool, time.Millisecond) },
		} {
			group.Go(f)
		}
		short, done := context.WithTimeout(ctx, time.Duration(i)*4*time.Millisecond)
		r.Wait(short)
		done()
		terminate(t, pool)
		group.Wait()
		if ctx.Err() != nil {
			t.Fatal("something hung")
		}
		if _, err := r.Get(ctx); err != nil {
			wantTerminated(t, err)
		}
	}
}
