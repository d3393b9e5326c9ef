package procpool_test

import (
	"context"
	"errors"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/procpool/procpool"
	"github.com/procpool/procpool/event"
	"github.com/procpool/procpool/pooltest"
)

// recycleCount tells which worker ran it, and as which of its tasks. A negative number kills the worker.
var recycleCount = procpool.Define("recycle.count", func(ctx context.Context, n int) (recycleRun, error) {
	if n < 0 {
		self, _ := os.FindProcess(os.Getpid())
		self.Kill()
		select {}
	}
	w, _ := procpool.CurrentWorker(ctx)
	return recycleRun{w.Name, w.Tasks}, nil
})

type recycleRun struct {
	Worker string
	Nth    int
}

// No worker ever runs more tasks than its limit, over thousands of replacements, under load through every form of the
// API at once, with crashes between; and all but the crashed give up their place at exactly the limit, as long as there is
// work. PROCPOOL_RECYCLES sets how many replacements; 500 otherwise.
func TestRecycleIsExact(t *testing.T) {
	pooltest.Check(t)
	want := 500
	if s := os.Getenv("PROCPOOL_RECYCLES"); s != "" {
		want, _ = strconv.Atoi(s)
	}
	const limit = 3
	ctx, done := context.WithTimeout(context.Background(), time.Duration(want)*time.Second)
	defer done()
	p, log := recyclePool(t, procpool.Config{Processes: 2, MaxTasksPerChild: limit})

	var mu sync.Mutex
	ran := map[string][]int{}
	took := func(r recycleRun, err error) bool {
		switch dead, died := errors.AsType[*procpool.WorkerError](err); {
		case err == nil:
			mu.Lock()
			defer mu.Unlock()
			ran[r.Worker] = append(ran[r.Worker], r.Nth)
		case !died || dead.Cause != procpool.CauseKilledOutside:
			t.Error(err)
			return false
		}
		return true
	}
	in := []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, -1}
	forms := []func() bool{
		func() bool { return took(recycleCount.Apply(ctx, p, 1)) },
		func() bool { return took(recycleCount.ApplyAsync(ctx, p, 1).Get(ctx)) },
		func() bool {
			out, err := recycleCount.Map(ctx, p, in)
			failed, _ := errors.AsType[*procpool.MapError](err)
			if failed == nil || len(failed.Items) != 1 {
				t.Error(err)
				return false
			}
			ok := true
			for _, r := range out[:11] {
				ok = ok && took(r, nil)
			}
			return ok
		},
		func() bool {
			for r, err := range recycleCount.IMap(ctx, p, slices.Values(in)) {
				if !took(r, err) {
					return false
				}
			}
			return true
		},
		func() bool {
			for it := range recycleCount.IMapUnordered(ctx, p, slices.Values(in)) {
				if !took(it.Value, it.Err) {
					return false
				}
			}
			return true
		},
	}
	var callers sync.WaitGroup
	for _, form := range forms {
		callers.Go(func() { // ends when enough workers have left, or at a failure
			for form() && p.Stats().Exits[procpool.ReasonTaskLimit] < uint64(want) {
			}
		})
	}
	callers.Wait()
	if err := p.Shutdown(ctx); err != nil {
		t.Fatal(err)
	}

	for name, nths := range ran {
		slices.Sort(nths)
		if nths[len(nths)-1] > limit || len(slices.Compact(nths)) != len(ran[name]) {
			t.Errorf("%s ran as its tasks number %v", name, nths)
		}
	}
	for _, e := range recycleSeen[event.WorkerExited](log) {
		ok := e.Tasks <= limit
		switch e.Reason {
		case procpool.ReasonTaskLimit:
			ok = e.Tasks == limit && e.Why.Tasks == limit && e.Cause == 0 && e.ExitCode == 0
		case procpool.ReasonKilled:
			ok = ok && e.Cause == procpool.CauseKilledOutside
		case procpool.ReasonClosed:
		default:
			ok = false
		}
		if !ok {
			t.Errorf("%+v", e)
		}
	}
	t.Logf("%v exits, %d workers that ran tasks", p.Stats().Exits, len(ran))
}
