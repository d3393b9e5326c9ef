package procpool_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/procpool/procpool"
)

// In fake time, where only the pool's decisions count: how long a load takes with workers that are replaced, compared with
// the same pool without.
func TestRecycleIsFree(t *testing.T) {
	const task = 10 * time.Millisecond
	for _, c := range []struct {
		start   time.Duration
		limit   int
		callers int
		most    float64 // of the time without a limit; a share of what spawning alone takes if that is more
	}{
		{time.Millisecond, 1, 4, 1.03},
		{time.Millisecond, 3, 4, 1.03},
		{50 * time.Millisecond, 10, 4, 1.03},
		{50 * time.Millisecond, 100, 4, 1.03},
		{500 * time.Millisecond, 100, 4, 1.03},
		{500 * time.Millisecond, 100, 1, 1.03}, // half load
		{50 * time.Millisecond, 1, 4, 1.1},
		{500 * time.Millisecond, 10, 4, 1.1},
	} {
		t.Run(fmt.Sprintf("%v/%d/%d", c.start, c.limit, c.callers), func(t *testing.T) {
			n := recycleTasks()
			free, freeTail := recycleLoad(t, c.start, 0, 0, c.callers, n, task)
			took, tail := recycleLoad(t, c.start, c.limit, 0, c.callers, n, task)
			// Where starting takes longer than a worker's life, two places have at most four processes.
			spawning := time.Duration(n/c.limit) * (c.start + time.Duration(c.limit)*task) / 4
			t.Logf("%v and p99 %v without, %v and %v with a limit; spawning alone: %v", free, freeTail, took, tail, spawning)
			if least := max(free, spawning); float64(took) > c.most*float64(least) {
				t.Errorf("took %v, %.2f times %v", took, float64(took)/float64(least), least)
			}
			if free > spawning && float64(tail) > 1.2*float64(freeTail) {
				t.Errorf("p99 was %v, without a limit %v", tail, freeTail)
			}
		})
	}
}

// recycleTasks is how many tasks a load has.
func recycleTasks() int {
	if testing.Short() {
		return 2000
	}
	return 4000
}

// Where a start takes longer than the life of a worker, the owner may allow more successors than places; then that is free, too.
func TestRecycleManySpares(t *testing.T) {
	const start, task = 50 * time.Millisecond, 10 * time.Millisecond
	n := recycleTasks()
	for _, limit := range []int{1, 2} {
		free, _ := recycleLoad(t, start, 0, 0, 4, n, task)
		few, _ := recycleLoad(t, start, limit, 2, 4, n, task)
		took, _ := recycleLoad(t, start, limit, 16, 4, n, task)
		t.Logf("limit %d: %v without; %v with two spares; %v with sixteen", limit, free, few, took)
		// What happens at the same time is in no order here: a place can stand empty for the length of a task now and then.
		if float64(took) > 1.1*float64(free) {
			t.Errorf("limit %d: took %v, without a limit %v", limit, took, free)
		}
		if float64(few) < 1.3*float64(free) {
			t.Errorf("limit %d: two spares take %v, without a limit %v: they are no bound", limit, few, free)
		}
	}
}

// recycleLoad returns how long n tasks take in all, and how long the slow ones.
func recycleLoad(t *testing.T, start time.Duration, limit, spares, callers, n int, task time.Duration) (took, tail time.Duration) {
	synctest.Test(t, func(t *testing.T) {
		p, err := procpool.New(procpool.Config{
			Processes: 2, MaxTasksPerChild: limit, StartMethod: procpool.Goroutines(), Initializer: recycleInit.Bind(start),
			Spares: spares,
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx := context.Background()
		if err := p.WaitReady(ctx); err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		var mu sync.Mutex
		var all []time.Duration
		var wg sync.WaitGroup
		for range callers {
			wg.Go(func() { // ends after its share
				for range n / callers {
					at := time.Now()
					if _, err := recycleSleep.Apply(ctx, p, task); err != nil {
						t.Error(err)
						return
					}
					mu.Lock()
					all = append(all, time.Since(at))
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		took = time.Since(begin)
		slices.Sort(all)
		tail = all[len(all)*99/100]
		if err := p.Shutdown(ctx); err != nil {
			t.Error(err)
		}
	})
	return took, tail
}

// Ten tasks on two workers with a limit of three: two workers run three each, and the two that were ready in time the other
// four. Nobody else is started, although the pool is closed at once.
func TestRecycleStartsNobodyInVain(t *testing.T) {
	for range 50 {
		synctest.Test(t, func(t *testing.T) {
			p, err := procpool.New(procpool.Config{Processes: 2, MaxTasksPerChild: 3, StartMethod: procpool.Goroutines()})
			if err != nil {
				t.Fatal(err)
			}
			ctx := context.Background()
			r := recycleSleep.MapAsync(ctx, p, slices.Repeat([]time.Duration{10 * time.Millisecond}, 10))
			p.Close()
			names, err := r.Get(ctx)
			if err != nil {
				t.Fatal(err)
			}
			if err := p.Join(ctx); err != nil {
				t.Fatal(err)
			}
			ran := map[string]int{}
			for _, name := range names {
				ran[name]++
			}
			var counts []int
			for _, n := range ran {
				counts = append(counts, n)
			}
			slices.Sort(counts)
			if !slices.Equal(counts, []int{2, 2, 3, 3}) || p.Stats().Started != 4 {
				t.Errorf("%v, %d workers were started", ran, p.Stats().Started)
			}
		})
	}
}
