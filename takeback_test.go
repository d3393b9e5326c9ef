package procpool_test

import (
	"context"
	"testing"
	"time"

	"github.com/procpool/procpool"
	"github.com/procpool/procpool/pooltest"
)

var takebackNoop = procpool.Define("takeback.noop", func(_ context.Context, n int) (int, error) { return n, nil })

// Tasks are taken back from a worker's window when the pool is slow to see its answers, while it answers, is sent and
// starts more: nobody is accused of running what it was not given. What decides is which goroutine is interrupted where,
// so this goes on for a while.
func TestTakebackWhileWorkerGoesOn(t *testing.T) {
	pooltest.Check(t)
	p, err := procpool.New(procpool.Config{Processes: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Terminate()
	background := context.Background()
	results, least := make([]*procpool.AsyncResult[int], 1_000_000), 6*time.Second
	if testing.Short() {
		results, least = results[:200_000], 2*time.Second
	}
	for begin := time.Now(); time.Since(begin) < least; {
		for i := range results {
			results[i] = takebackNoop.ApplyAsync(background, p, i)
		}
		for _, r := range results {
			if _, err := r.Get(background); err != nil {
				t.Fatal(err)
			}
		}
		if exits := p.Stats().Exits; len(exits) > 0 {
			t.Fatalf("workers have left: %v", exits)
		}
	}
}
