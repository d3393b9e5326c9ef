package main

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/procpool/procpool"
)

const taskTime = 10 * time.Millisecond

var (
	task = procpool.Define("task", func(context.Context, int) (int, error) { time.Sleep(taskTime); return 0, nil })
	slow = procpool.DefineInitializer("slow", func(_ context.Context, d time.Duration) (func(), error) { time.Sleep(d); return nil, nil })
)

// measurePool measures a cell with procpool.
func measurePool(c cell) (figures, error) {
	ctx := context.Background()
	pool, err := procpool.New(procpool.Config{Processes: 1, MaxTasksPerChild: c.Limit, Initializer: slow.Bind(c.Start)})
	if err != nil {
		return figures{}, err
	}
	defer pool.Terminate()
	if err := pool.WaitReady(ctx); err != nil {
		return figures{}, err
	}
	s := series{start: time.Now()}
	one := func(ctx context.Context) error {
		_, err := task.Apply(ctx, pool, 0)
		return err
	}
	if c.Load == 100 {
		s.full(ctx, c.Time, one)
	} else {
		s.open(ctx, c.Time, taskTime*100/time.Duration(c.Load), patience, one)
	}
	f, err := s.figures()
	if err == nil {
		err = pool.Shutdown(ctx)
	}
	return f, err
}

// series collects what tasks took.
type series struct {
	start time.Time
	wg    sync.WaitGroup

	mu     sync.Mutex
	took   []time.Duration
	undone int // of them
	err    error
}

// one runs one task and collects what it took. It reports whether there may be another.
func (s *series) one(ctx context.Context, task func(context.Context) error) bool {
	begin := time.Now()
	err := task(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.took = append(s.took, time.Since(begin))
	switch {
	case err == nil:
		return true
	case ctx.Err() != nil:
		s.undone++
	default:
		s.err = err
	}
	return false
}

// full keeps two tasks under way.
func (s *series) full(ctx context.Context, d time.Duration, task func(context.Context) error) {
	for range 2 {
		s.wg.Go(func() { // ends with the time, or an error
			for time.Since(s.start) < d && s.one(ctx, task) {
			}
		})
	}
	s.wg.Wait()
}

// open submits a task every period, and gives up what is not done some time after the last.
func (s *series) open(ctx context.Context, d, period, patience time.Duration, task func(context.Context) error) {
	ctx, cancel := context.WithTimeout(ctx, d+patience)
	defer cancel()
	tick := time.NewTicker(period)
	defer tick.Stop()
	for time.Since(s.start) < d {
		<-tick.C
		s.wg.Go(func() { s.one(ctx, task) }) // ends with the task, or ctx
	}
	s.wg.Wait()
}

func (s *series) figures() (figures, error) {
	slices.Sort(s.took)
	n := len(s.took)
	if n == 0 || s.err != nil {
		return figures{}, s.err
	}
	rate := float64(n-s.undone) / time.Since(s.start).Seconds()
	return figures{Rate: rate, P50: s.took[n/2], P99: s.took[n*99/100], Least: s.undone > n/100}, nil
}
