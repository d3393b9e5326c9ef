// Python runs a Python function in Python processes: the one of work.py, which a multiprocessing.Pool could run as well.
// A pool of two processes, each for three tasks at most, runs ten tasks.
package main

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"

	"github.com/procpool/procpool"
	"github.com/procpool/procpool/workers/python"
)

//go:embed work.py
var source []byte

var work = procpool.Declare[int, struct{}]("work")

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "python:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "procpool-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "work.py")
	if err := os.WriteFile(file, source, 0o600); err != nil {
		return err
	}
	pool, err := procpool.New(procpool.Config{
		Processes:        2,
		MaxTasksPerChild: 3,
		StartMethod:      python.Worker(python.Options{Function: file + ":work"}),
	})
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
