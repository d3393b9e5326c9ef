package procpool_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/procpool/procpool"
	"github.com/procpool/procpool/event"
	"github.com/procpool/procpool/pooltest"
)

// memoryEat touches fresh memory as fast as it can, up to n bytes, and then sleeps.
var memoryEat = procpool.Define("memory.eat", func(ctx context.Context, n int) (string, error) {
	for range n / mib {
		keep(mib)
	}
	<-ctx.Done()
	return "", ctx.Err()
})

// A task that allocates at full speed is ended in time: it never comes near to what it wants. The error and the event
// tell what was measured. Other workers notice nothing, and one that is large but within the limit stays.
func TestMemoryHard(t *testing.T) {
	onlyLinux(t)
	pooltest.Check(t)
	ctx := recycleContext(t)
	const limit = 400 * mib // the race detector triples what a worker holds
	p, log := recyclePool(t, procpool.Config{Processes: 2, Recycle: procpool.Recycle{HardMemory: limit}})
	large, err := recycleKeep.Apply(ctx, p, 60*mib)
	if err != nil {
		t.Fatal(err)
	}
	other := recycleSleep.ApplyAsync(ctx, p, 500*time.Millisecond)
	start := time.Now()
	_, err = memoryEat.Apply(ctx, p, 4<<30)
	took := time.Since(start)
	died, ok := errors.AsType[*procpool.WorkerError](err)
	if !ok || died.Cause != procpool.CauseOutOfMemory || !strings.Contains(err.Error(), "HardMemory") {
		t.Fatal(err)
	}
	if _, err := other.Get(ctx); err != nil {
		t.Error("the other worker's task: ", err)
	}
	gone := recycleWait(ctx, t, log, 1, exitedFor(procpool.ReasonOutOfMemory))[0]
	if gone.Why.Bytes != limit || gone.Why.Memory <= limit || gone.Why.Memory > 2<<30 {
		t.Errorf("%+v", gone.Why)
	}
	t.Logf("ended at %d MiB of %d, after %v: %v", gone.Why.Memory/mib, limit/mib, took, err)
	if st := p.Stats(); st.Exits[procpool.ReasonOutOfMemory] != 1 || len(st.Exits) != 1 {
		t.Errorf("exits: %v; the large one was %s", st.Exits, large)
	}
}

// onlyLinux skips where the memory of other processes cannot be measured.
func onlyLinux(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("no memory limits on " + runtime.GOOS)
	}
}

// Without tasks there is nothing to sample, and with a task that stays small next to nothing.
func TestMemoryHardLeavesQuietOnes(t *testing.T) {
	onlyLinux(t)
	pooltest.Check(t)
	ctx := recycleContext(t)
	p, log := recyclePool(t, procpool.Config{Processes: 1, Recycle: procpool.Recycle{HardMemory: 1 << 30}})
	for range 3 {
		if _, err := recycleSleep.Apply(ctx, p, 100*time.Millisecond); err != nil {
			t.Fatal(err)
		}
	}
	if w := p.Workers()[0]; w.Memory == 0 || w.Memory > 1<<30 {
		t.Errorf("%+v", w)
	}
	p.Shutdown(ctx)
	if e := recycleSeen[event.WorkerExited](log); len(e) != 1 || e[0].Reason != procpool.ReasonClosed {
		t.Errorf("%+v", e)
	}
}
