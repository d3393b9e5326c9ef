// Recycle measures what replacing workers costs: throughput and latency of a pool whose workers leave after so many tasks,
// for several start times, beside the same pool without replacing, and beside CPython's multiprocessing.Pool.
//
//	go run ./recycle            the whole table, about ten minutes
//	go run ./recycle -short     a few cells of it
//
// A pool has one worker, tasks take 10 ms and no processor, so that one is free for starting. At full load two tasks are
// under way at any time; at half load one is submitted every 20 ms, whatever became of those before. A pool that cannot
// keep up with that would take minutes to work it off; what it has not done a second after the last was submitted is given
// up, and counts with the time that it took so far: a ">" in the table says that the 99th percentile is one of these.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/procpool/procpool"
)

// cell is one thing to measure.
type cell struct {
	Start time.Duration // of a worker, besides what the system needs
	Limit int           // tasks a worker; 0: no limit
	Load  int           // percent
	Time  time.Duration // how long tasks are submitted
}

// patience is how long after the last submission a pool may take to be done.
const patience = time.Second

// figures are what a cell came to.
type figures struct {
	Rate     float64 // tasks a second
	P50, P99 time.Duration
	Least    bool // P99 was at least that: it was not waited for
}

func main() {
	procpool.WorkerMain()
	short := flag.Bool("short", false, "measure a few cells only")
	python := flag.String("python", "python3", "CPython to compare with; empty: none")
	out := flag.String("o", "", "`file` for the table; empty: standard output")
	flag.Parse()
	if err := run(*short, *python, *out, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "recycle:", err)
		os.Exit(1)
	}
}

// run measures, writes the table to out, and tells log how far it is.
func run(short bool, python, out string, log io.Writer) error {
	w := io.Writer(os.Stdout)
	if out != "" {
		f, err := os.Create(out)
		if err != nil {
			return err
		}
		defer f.Close()
		w = f
	}
	t := table{w: w, contenders: contenders(python)}
	t.head()
	cells, begin := grid(short), time.Now()
	for i, c := range cells {
		if err := t.row(c); err != nil {
			return err
		}
		took := time.Since(begin)
		left := took / time.Duration(i+1) * time.Duration(len(cells)-i-1)
		fmt.Fprintf(log, "%d of %d rows, %v; about %v left\n", i+1, len(cells), took.Round(time.Second), left.Round(time.Second))
	}
	return nil
}

func grid(short bool) (cells []cell) {
	starts := []time.Duration{time.Millisecond, 50 * time.Millisecond, 500 * time.Millisecond}
	limits, loads, each := []int{0, 100, 10, 3, 1}, []int{50, 100}, 5*time.Second
	if short {
		starts, limits, loads, each = starts[:2], []int{0, 10, 1}, []int{100}, 300*time.Millisecond
	}
	for _, s := range starts {
		for _, load := range loads {
			for _, n := range limits { // no limit first: the others are compared with it
				cells = append(cells, cell{Start: s, Limit: n, Load: load, Time: each})
			}
		}
	}
	return cells
}
