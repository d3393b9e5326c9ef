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
	one := func() error {
		begin := time.Now()
		_, err := task.Apply(ctx, pool, 0)
		s.add(time.Since(begin), err)
		return err
	}
	if c.Load == 100 {
		s.full(c.Time, one)
	} else {
		s.open(c.Time, taskTime*100/time.Duration(c.Load), one)
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

	mu   sync.Mutex
	took []time.Duration
	err  error
}

func (s *series) add(d time.Duration, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.took = append(s.took, d); err != nil {
		s.err = err
	}
}

// full keeps two tasks under way.
func (s *series) full(d time.Duration, one func() error) {
	for range 2 {
		s.wg.Go(func() {
			for time.Since(s.start) < d && one() == nil {
			}
		})
	}
	s.wg.Wait()
}

// open submits a task every period.
func (s *series) open(d, period time.Duration, one func() error) {
	tick := time.NewTicker(period)
	defer tick.Stop()
	for time.Since(s.start) < d {
		<-tick.C
		s.wg.Go(func() { one() })
	}
	s.wg.Wait()
}

func (s *series) figures() (figures, error) {
	slices.Sort(s.took)
	n := len(s.took)
	if n == 0 || s.err != nil {
		return figures{}, s.err
	}
	rate := float64(n) / time.Since(s.start).Seconds()
	return figures{Rate: rate, P50: s.took[n/2], P99: s.took[min(n-1, n*99/100)]}, nil
}
