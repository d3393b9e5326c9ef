// Recycle shows workers being replaced. A pool of two processes, each for three tasks at most, runs ten tasks: workers 1
// and 2 run three each, then 3 and 4, which were ready in time, run two each.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/procpool/procpool"
)

var work = procpool.Define("work", func(ctx context.Context, n int) (struct{}, error) {
	worker, _ := procpool.CurrentWorker(ctx)
	fmt.Printf("Worker is %s with %d\n", worker.Name, n)
	time.Sleep(time.Second)
	return struct{}{}, nil
})

func main() {
	procpool.WorkerMain()
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "recycle:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	pool, err := procpool.New(procpool.Config{Processes: 2, MaxTasksPerChild: 3})
	if err != nil {
		return err
	}
	defer pool.Terminate()

	var results []*procpool.AsyncResult[struct{}]
	for n := range 10 {
		results = append(results, work.ApplyAsync(ctx, pool, n))
	}
	pool.Close()
	if err := pool.Join(ctx); err != nil {
		return err
	}
	for _, r := range results {
		if _, err := r.Get(ctx); err != nil {
			return err
		}
	}
	return nil
}
