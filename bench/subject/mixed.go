//go:build unix

package main

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/procpool/procpool"
)

func init() {
	work("mixed", func(n []int) ([]float64, error) { return mixed(n[0], submitAll) })
	work("mixed-one", func(n []int) ([]float64, error) { return mixed(n[0], submitOneEach) })
}

// The load of mixed lengths keeps half of the workers busy: a batch every period, of which one in a hundred is long.
const (
	period    = 10 * time.Millisecond
	long      = 100 * time.Millisecond
	longEvery = 100
)

// arrival is a task of the mixed load.
type arrival struct {
	long  bool
	at    time.Time
	took  time.Duration
	error error
}

// mixed runs the load for so many milliseconds. It returns the median and the 99th percentile of the time from the arrival
// of a short task to its answer, in milliseconds.
func mixed(duration int, submit func(*procpool.Pool, <-chan *arrival)) ([]float64, error) {
	p, err := pools.warm(0)
	if err != nil {
		return nil, err
	}
	arrivals := make(chan *arrival, 1<<16)
	var group sync.WaitGroup
	group.Go(func() { submit(p, arrivals) }) // ends when arrivals is closed
	all := arrive(arrivals, time.Duration(duration)*time.Millisecond)
	close(arrivals)
	group.Wait()
	var short []float64
	for _, a := range all {
		if a.error != nil {
			return nil, fmt.Errorf("a task of the mixed load: %w", a.error)
		}
		if !a.long {
			short = append(short, a.took.Seconds()*1e3)
		}
	}
	return []float64{percentile(short, 50), percentile(short, 99)}, nil
}

// arrive sends the same arrivals in every run.
func arrive(arrivals chan<- *arrival, duration time.Duration) (all []*arrival) {
	dice := rand.New(rand.NewPCG(1, 2))
	batch := cores() * int(period) * longEvery / int(long) / 2
	clock := time.NewTicker(period)
	defer clock.Stop()
	for range duration / period {
		now := <-clock.C
		for range batch {
			a := &arrival{long: dice.IntN(longEvery) == 0, at: now}
			all = append(all, a)
			arrivals <- a
		}
	}
	return all
}

// submitAll hands every task in as it arrives.
func submitAll(p *procpool.Pool, arrivals <-chan *arrival) {
	var group sync.WaitGroup
	for a := range arrivals {
		r := a.submit(p)
		group.Go(func() { a.end(r) })
	}
	group.Wait()
}

// submitOneEach hands in as many tasks as there are workers, and the next when one is answered: windows of one.
func submitOneEach(p *procpool.Pool, arrivals <-chan *arrival) {
	var group sync.WaitGroup
	for range cores() {
		group.Go(func() {
			for a := range arrivals {
				a.end(a.submit(p))
			}
		})
	}
	group.Wait()
}

func (a *arrival) submit(p *procpool.Pool) *procpool.AsyncResult[int] {
	if a.long {
		return rest.ApplyAsync(background, p, long)
	}
	return noop.ApplyAsync(background, p, 1)
}

func (a *arrival) end(r *procpool.AsyncResult[int]) {
	_, a.error = r.Get(background)
	a.took = time.Since(a.at)
}
