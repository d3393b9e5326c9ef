// Package bench measures what a pool costs on this machine.
package bench

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"text/tabwriter"
	"time"

	"github.com/procpool/procpool"
)

// Options say how to measure.
type Options struct {
	Processes int           // 0: one per processor
	Each      time.Duration // per measurement; 0: a second
	Python    string        // the interpreter to compare with; empty: none
}

var nothing = procpool.Define("bench.nothing", func(_ context.Context, n int) (int, error) { return n, nil })

// figures are calls a second.
type figures struct{ Dispatch, Trip, Recycle float64 }

// Run measures and prints.
func Run(ctx context.Context, w io.Writer, o Options) error {
	if o.Each == 0 {
		o.Each = time.Second
	}
	if o.Processes == 0 {
		o.Processes = runtime.GOMAXPROCS(0)
	}
	fmt.Fprintf(w, "%d workers, tasks that do nothing, %v for each figure\n\n", o.Processes, o.Each)
	ours, err := measure(ctx, o)
	if err != nil {
		return err
	}
	theirs, name := python(ctx, o)
	print(w, ours, theirs, name)
	return nil
}

// print prints a table. theirs may be nil.
func print(w io.Writer, ours figures, theirs *figures, name string) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	defer t.Flush()
	if theirs == nil {
		fmt.Fprintln(t, "\tprocpool\t")
	} else {
		fmt.Fprintf(t, "\tprocpool\t%s\t\n", name)
	}
	row := func(what string, of func(figures) float64) {
		fmt.Fprintf(t, "%s\t%s\t", what, perSecond(of(ours)))
		if theirs != nil {
			fmt.Fprintf(t, "%s\t× %.1f", perSecond(of(*theirs)), of(ours)/of(*theirs))
		}
		fmt.Fprintln(t)
	}
	row("dispatch, many at a time", func(f figures) float64 { return f.Dispatch })
	row("round trip, one after another", func(f figures) float64 { return f.Trip })
	row("a new worker for each task", func(f figures) float64 { return f.Recycle })
}

func perSecond(n float64) string {
	if n >= 10_000 {
		return fmt.Sprintf("%.0fk/s", n/1000)
	}
	return fmt.Sprintf("%.0f/s", n)
}

// measure measures procpool.
func measure(ctx context.Context, o Options) (f figures, err error) {
	pool, err := open(ctx, procpool.Config{Processes: o.Processes})
	if err != nil {
		return f, err
	}
	defer pool.Terminate()
	if f.Dispatch, err = dispatch(ctx, pool, o.Each); err != nil {
		return f, err
	}
	if f.Trip, err = trip(ctx, pool, o.Each); err != nil {
		return f, err
	}
	pool.Terminate()
	once, err := open(ctx, procpool.Config{Processes: o.Processes, MaxTasksPerChild: 1})
	if err != nil {
		return f, err
	}
	defer once.Terminate()
	f.Recycle, err = dispatch(ctx, once, o.Each)
	return f, err
}

func open(ctx context.Context, c procpool.Config) (*procpool.Pool, error) {
	pool, err := procpool.New(c)
	if err != nil {
		return nil, err
	}
	if err := pool.WaitReady(ctx); err != nil {
		pool.Terminate()
		return nil, err
	}
	return pool, nil
}

// dispatch lets as many tasks under way as the pool wants.
func dispatch(ctx context.Context, pool *procpool.Pool, each time.Duration) (float64, error) {
	began := time.Now()
	n := 0
	endless := func(yield func(int) bool) {
		for yield(0) {
		}
	}
	for _, err := range nothing.IMap(ctx, pool, endless) {
		if err != nil {
			return 0, err
		}
		if n++; n%16 == 0 && time.Since(began) > each {
			break
		}
	}
	return float64(n) / time.Since(began).Seconds(), nil
}

// trip waits for each task before the next.
func trip(ctx context.Context, pool *procpool.Pool, each time.Duration) (float64, error) {
	began := time.Now()
	n := 0
	for ; time.Since(began) < each; n++ {
		if _, err := nothing.Apply(ctx, pool, n); err != nil {
			return 0, err
		}
	}
	return float64(n) / time.Since(began).Seconds(), nil
}
