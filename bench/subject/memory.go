//go:build unix

package main

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/procpool/procpool"
)

func init() {
	work("imap-peak", imapPeak)
	work("worker-memory", workerMemory)
	work("bare-memory", bareMemory)
	work("parent-memory", parentMemory)
	work("queued-memory", queuedMemory)
}

// imapPeak returns the most memory that this process had during an IMap, in KiB.
func imapPeak(n []int) ([]float64, error) {
	p, err := pools.warm(0)
	if err != nil {
		return nil, err
	}
	debug.FreeOSMemory()
	os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) // forget the peak so far
	err = imap(p, n[0])
	return []float64{status(os.Getpid(), "status", "VmHWM")}, err
}

// workerMemory returns the PSS of a typical worker of a pool of so many, after it has done tasks.
func workerMemory(n []int) ([]float64, error) {
	p, err := pools.warm(n[0])
	if err != nil {
		return nil, err
	}
	if err := mapInts(p, 100*n[0]); err != nil {
		return nil, err
	}
	var all []float64
	for _, w := range p.Workers() {
		all = append(all, status(w.PID, "smaps_rollup", "Pss"))
	}
	return []float64{percentile(all, 50)}, nil
}

// bareMemory is workerMemory for bare processes.
func bareMemory(n []int) ([]float64, error) {
	var all []float64
	var started []*bare
	for range n[0] {
		b, err := startBare("bare-echo")
		if err == nil {
			err = b.ask()
		}
		if err != nil {
			return nil, err
		}
		started = append(started, b)
	}
	for _, b := range started {
		all = append(all, status(b.process.Pid, "smaps_rollup", "Pss"))
	}
	for _, b := range started {
		b.end()
	}
	return []float64{percentile(all, 50)}, nil
}

// parentMemory returns what each further worker costs this process, in KiB.
func parentMemory(n []int) ([]float64, error) {
	few, err := parentWith(n[0])
	if err != nil {
		return nil, err
	}
	many, err := parentWith(n[1])
	return []float64{(many - few) / float64(n[1]-n[0])}, err
}

func parentWith(workers int) (float64, error) {
	p, err := open(procpool.Config{Processes: workers})
	if err != nil {
		return 0, err
	}
	defer p.Terminate()
	err = mapInts(p, 100*workers)
	debug.FreeOSMemory()
	debug.FreeOSMemory() // what a sync.Pool keeps survives the first
	return status(os.Getpid(), "smaps_rollup", "Pss"), err
}

// queuedMemory returns the bytes of a queued task: of an ApplyAsync, the result included, and of an item of a Map.
func queuedMemory(n []int) ([]float64, error) {
	p, err := open(procpool.Config{Processes: 1, Grace: -1})
	if err != nil {
		return nil, err
	}
	defer p.Terminate()
	held := rest.ApplyAsync(background, p, time.Hour)
	defer held.Cancel()
	results := make([]*procpool.AsyncResult[int], n[0])
	in := make([]int, n[0])
	before := heap()
	for i := range results {
		results[i] = noop.ApplyAsync(background, p, i)
	}
	single := heap()
	m := noop.MapAsync(background, p, in)
	many := heap()
	runtime.KeepAlive(results)
	runtime.KeepAlive(in)
	runtime.KeepAlive(m)
	each := func(from, to float64) float64 { return (to - from) / float64(n[0]) }
	return []float64{each(before, single), each(single, many)}, nil
}

func heap() float64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}

// status returns the sum of a process's lines with this name, in a file of /proc; 0 if there is none. Sizes are in KiB.
func status(pid int, file, name string) (sum float64) {
	f, err := os.Open(filepath.Join("/proc", fmt.Sprint(pid), file))
	if err != nil {
		return 0
	}
	defer f.Close()
	for in := bufio.NewScanner(f); in.Scan(); {
		var v float64
		if rest, ok := strings.CutPrefix(in.Text(), name+":"); ok {
			fmt.Sscan(rest, &v)
			sum += v
		}
	}
	return sum
}

// percentile returns the value that p of a hundred are not above.
func percentile(values []float64, p int) float64 {
	sorted := slices.Sorted(slices.Values(values))
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)-1, len(sorted)*p/100)]
}
