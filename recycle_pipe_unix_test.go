//go:build unix

package procpool_test

import (
	"context"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/procpool/procpool"
	"github.com/procpool/procpool/event"
	"github.com/procpool/procpool/pooltest"
)

// recycleLong asks for its worker to be replaced and goes on until somebody writes to a named pipe.
var recycleLong = procpool.Define("recycle.long", func(ctx context.Context, pipe string) (string, error) {
	procpool.RetireWorker(ctx)
	procpool.RetireWorker(ctx)
	_, err := os.ReadFile(pipe)
	w, _ := procpool.CurrentWorker(ctx)
	return w.Name, err
})

// recycleDeaf says through a named pipe that it runs, and does not stop.
var recycleDeaf = procpool.Define("recycle.deaf", func(_ context.Context, pipe string) (int, error) {
	if err := os.WriteFile(pipe, []byte("begun"), 0); err != nil {
		return 0, err
	}
	time.Sleep(time.Hour)
	return 0, nil
})

func recyclePipe(t *testing.T) string {
	t.Helper()
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	return pipe
}

// A task that asks for its worker to be replaced is heard while it runs: the successor is ready before the task is done, and
// takes the place.
func TestRecycleAskedEarly(t *testing.T) {
	for name, method := range map[string]procpool.StartMethod{"processes": procpool.Spawn(), "goroutines": procpool.Goroutines()} {
		t.Run(name, func(t *testing.T) {
			pooltest.Check(t)
			ctx := recycleContext(t)
			pipe := recyclePipe(t)
			p, log := recyclePool(t, procpool.Config{Processes: 1, StartMethod: method})
			r := recycleLong.ApplyAsync(ctx, p, pipe)
			recycleWait(ctx, t, log, 2, func(event.WorkerReady) bool { return true })
			if r.Ready() {
				t.Error("the task is done before anybody wrote to its pipe: ", func() error { _, err := r.Get(ctx); return err }())
			}
			if err := os.WriteFile(pipe, []byte("go on"), 0); err != nil {
				t.Fatal(err)
			}
			old, err := r.Get(ctx)
			if err != nil {
				t.Fatal(err)
			}
			gone := recycleWait(ctx, t, log, 1, exitedFor(procpool.ReasonAsked))[0]
			if gone.Worker.Name != old || gone.Tasks != 1 {
				t.Errorf("%+v is gone, want %s after one task", gone, old)
			}
			successorFirst(t, log, gone.Worker)
			next, err := recycleAsk.Apply(ctx, p, false)
			if err != nil || next == old {
				t.Errorf("after it, %s runs the next task, %v", next, err)
			}
			if n := p.Stats().Started; n != 2 {
				t.Errorf("%d workers were started, want 2", n)
			}
		})
	}
}

// A worker that is ended because its task does not stop tells how long that ran, and how long it was allowed to.
func TestRecycleFiguresOfOverrun(t *testing.T) {
	const timeout, grace = 50 * time.Millisecond, 20 * time.Millisecond
	pooltest.Check(t)
	ctx := recycleContext(t)
	p, log := recyclePool(t, procpool.Config{Processes: 1, Grace: grace})
	if err := p.WaitReady(ctx); err != nil {
		t.Fatal(err)
	}
	recycleSleep.With(procpool.CallOptions{Timeout: timeout}).Apply(ctx, p, time.Hour)
	why := recycleWait(ctx, t, log, 1, exitedFor(procpool.ReasonTimedOut))[0].Why
	if why.Timeout != timeout || why.Run < timeout+grace || why.Run > time.Minute {
		t.Errorf("it timed out because of %+v", why)
	}
	if err := p.WaitReady(ctx); err != nil { // else it may be canceled before the pool knows that it runs
		t.Fatal(err)
	}
	pipe := recyclePipe(t)
	r := recycleDeaf.ApplyAsync(ctx, p, pipe)
	if _, err := os.ReadFile(pipe); err != nil { // it runs
		t.Fatal(err)
	}
	r.Cancel()
	why = recycleWait(ctx, t, log, 1, exitedFor(procpool.ReasonCanceled))[0].Why
	if why.Timeout != 0 || why.Run < grace || why.Run > time.Minute {
		t.Errorf("it was canceled because of %+v", why)
	}
}
