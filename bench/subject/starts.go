//go:build unix

package main

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/procpool/procpool"
)

func init() {
	work("recycle", func(n []int) ([]float64, error) { return recycle(n[0], n[1]) })
	work("start", func(n []int) ([]float64, error) { return startPool(n[0]) })
	work("bare-recycle", func(n []int) ([]float64, error) { return bareRecycle(n[0], n[1]) })
	work("bare-start", func(n []int) ([]float64, error) { return bareStart(n[0], n[1]) })
}

// recycle times n tasks on a pool whose workers take so many each, from New to the end of Join.
func recycle(limit, n int) ([]float64, error) {
	begin := time.Now()
	p, err := start(procpool.Config{MaxTasksPerChild: limit, Processes: cores()})
	if err != nil {
		return nil, err
	}
	defer p.Terminate()
	if err := mapInts(p, n); err != nil {
		return nil, err
	}
	err = p.Shutdown(background)
	return rate(n, begin), err
}

// startPool returns how long it takes from New until every worker and one task have answered, in milliseconds.
func startPool(processes int) ([]float64, error) {
	begin := time.Now()
	p, err := open(procpool.Config{Processes: processes})
	if err != nil {
		return nil, err
	}
	defer p.Terminate()
	err = apply(p, 1)
	return []float64{milliseconds(begin)}, err
}

func milliseconds(begin time.Time) float64 { return time.Since(begin).Seconds() * 1e3 }

// bareRecycle starts n processes, so many at a time, each of which does one task and leaves.
func bareRecycle(parallel, n int) ([]float64, error) {
	begin := time.Now()
	err := inParallel(parallel, n, func(int) error {
		b, err := startBare("bare-once")
		if err != nil {
			return err
		}
		err = b.ask()
		if e := b.end(); err == nil {
			err = e
		}
		return err
	})
	return rate(n, begin), err
}

// bareStart returns how long it takes until so many processes have each done a task and wait for another.
func bareStart(parallel, processes int) ([]float64, error) {
	all := make([]*bare, processes)
	begin := time.Now()
	err := inParallel(parallel, processes, func(i int) (err error) {
		if all[i], err = startBare("bare-once"); err == nil {
			err = all[i].ask()
		}
		return err
	})
	took := milliseconds(begin)
	for _, b := range all {
		if b != nil {
			b.end()
		}
	}
	return []float64{took}, err
}

// inParallel calls do for 0 to n-1, so many at a time, and returns one of the errors.
func inParallel(parallel, n int, do func(int) error) error {
	var next atomic.Int64
	var group sync.WaitGroup
	errs := make(chan error, parallel)
	for range parallel {
		group.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				if err := do(i); err != nil {
					errs <- err
					return
				}
			}
		})
	}
	group.Wait()
	close(errs)
	return <-errs // nil if there is none
}
