//go:build cgo

// Leak shows what Recycle.Memory is for. Its task leaks memory in C, where no garbage collector looks: a few MiB a call. It
// runs the task many times in a pool without a limit and in one with, and plots how much memory the worker held: one line
// that climbs, one like a saw.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/procpool/procpool"
)

func main() {
	procpool.WorkerMain()
	calls := flag.Int("calls", 200, "how often the leaking task runs")
	leak := flag.Int("leak", 2<<20, "`bytes` that a call leaks")
	limit := flag.Uint64("limit", 100<<20, "Recycle.Memory, in `bytes`")
	out := flag.String("o", "leak.svg", "`file` for the plot, .svg or .png")
	flag.Parse()
	if err := run(context.Background(), *calls, *leak, *limit, *out); err != nil {
		fmt.Fprintln(os.Stderr, "leak:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, calls, leak int, limit uint64, out string) error {
	without, err := measure(ctx, procpool.Recycle{}, calls, leak)
	if err != nil {
		return err
	}
	with, err := measure(ctx, procpool.Recycle{Memory: limit}, calls, leak)
	if err != nil {
		return err
	}
	fmt.Printf("without Recycle.Memory: %3d calls, 1 worker, at most %4d MiB\n", calls, without.most()>>20)
	fmt.Printf("with    Recycle.Memory: %3d calls, %d workers, at most %4d MiB\n", calls, with.workers(), with.most()>>20)
	return draw(out, limit, without, with)
}

// measure runs the leaking task in a pool of one worker, and notes after each call how much memory its worker holds.
func measure(ctx context.Context, r procpool.Recycle, calls, leak int) (line, error) {
	pool, err := procpool.New(procpool.Config{Processes: 1, Recycle: r})
	if err != nil {
		return nil, err
	}
	defer pool.Terminate()
	if err := pool.WaitReady(ctx); err != nil {
		return nil, err
	}
	var l line
	start := time.Now()
	for range calls {
		held, err := leaky.Apply(ctx, pool, leak)
		if err != nil {
			return nil, err
		}
		l = append(l, point{time.Since(start), held})
	}
	return l, pool.Shutdown(ctx)
}
