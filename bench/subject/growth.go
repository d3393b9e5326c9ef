//go:build unix

package main

import (
	"fmt"
	"os"
	"runtime"
	"syscall"
	"time"

	"github.com/procpool/procpool"
)

func init() {
	work("load", func(n []int) ([]float64, error) { return load(n[0], n[1], n[2]) })
	work("behind", func(n []int) ([]float64, error) { return behind(n[0], n[1]) })
	work("idle", func(n []int) ([]float64, error) { return idle(n[0]) })
}

// load puts n tasks through a pool of so many workers, window of them at a time (0: all at once). It returns tasks a
// second, nanoseconds of processor time a task, in all processes, and the threads of this one.
func load(workers, window, n int) ([]float64, error) {
	p, err := pools.warm(workers)
	if err != nil {
		return nil, err
	}
	if err := loadOnce(p, window, n); err != nil { // workers that nobody has asked for seconds are cold, few or many
		return nil, err
	}
	before, begin := processorTime(p), time.Now()
	err = loadOnce(p, window, n)
	r := rate(n, begin)
	return append(r, (processorTime(p)-before)/float64(n), status(os.Getpid(), "status", "Threads")), err
}

func loadOnce(p *procpool.Pool, window, n int) (err error) {
	if window == 0 {
		return mapInts(p, n)
	}
	for it := range noop.With(procpool.CallOptions{Window: window}).IMapUnordered(background, p, upTo(n)) {
		if it.Err != nil {
			err = it.Err
		}
	}
	return err
}

// processorTime is what this process and its workers have used, in nanoseconds.
func processorTime(p *procpool.Pool) float64 {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	sum := float64(u.Utime.Nano() + u.Stime.Nano())
	for _, w := range p.Workers() {
		sum += onProcessor(w.PID)
	}
	return sum
}

// onProcessor is what the first thread of a process and the others have used, in nanoseconds.
func onProcessor(pid int) (sum float64) {
	dir := fmt.Sprintf("/proc/%d/task", pid)
	threads, _ := os.ReadDir(dir)
	for _, t := range threads {
		text, _ := os.ReadFile(dir + "/" + t.Name() + "/schedstat")
		var ran float64
		fmt.Sscan(string(text), &ran)
		sum += ran
	}
	return sum
}

// behind queues n tasks behind ones that hold all workers, lets go, and times the first of them.
func behind(n, first int) ([]float64, error) {
	p, err := pools.warm(0)
	if err != nil {
		return nil, err
	}
	holders := make([]*procpool.AsyncResult[int], cores())
	for i := range holders {
		holders[i] = hold.ApplyAsync(background, p, 0)
	}
	results := make([]*procpool.AsyncResult[int], n)
	for i := range results {
		results[i] = noop.ApplyAsync(background, p, i)
	}
	runtime.GC() // what queuing left behind is not the dispatch's
	begin := time.Now()
	for _, h := range holders {
		h.Cancel()
	}
	if _, err = results[first-1].Get(background); err != nil {
		return nil, err
	}
	r := rate(first, begin)
	for _, a := range results {
		a.Wait(background)
	}
	return r, nil
}

// idle returns the processes of a pool of so many workers that has nothing to do, this one first.
func idle(workers int) ([]float64, error) {
	p, err := pools.warm(workers)
	if err != nil {
		return nil, err
	}
	err = mapInts(p, 100*workers)
	pids := []float64{float64(os.Getpid())}
	for _, w := range p.Workers() {
		pids = append(pids, float64(w.PID))
	}
	return pids, err
}
