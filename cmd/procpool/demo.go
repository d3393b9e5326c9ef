package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/procpool/procpool"
	"github.com/procpool/procpool/cmd/procpool/internal/job"
)

func newDemo() *cobra.Command {
	return &cobra.Command{
		Use: "demo", Short: "Run ten tasks on two workers that are replaced after three each", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := demo(cmd.Context(), cmd.OutOrStdout()); err != nil {
				return &job.Error{Code: job.CouldNotRun, Err: err}
			}
			return nil
		},
	}
}

var demoWork = procpool.Define("demo.work", func(ctx context.Context, n int) (struct{}, error) {
	worker, _ := procpool.CurrentWorker(ctx)
	fmt.Printf("Worker is %s with %d\n", worker.Name, n)
	time.Sleep(time.Second)
	return struct{}{}, nil
})

// demo runs ten tasks of a second each, two at a time.
func demo(ctx context.Context, out io.Writer) error {
	fmt.Fprintln(out, "Ten tasks, a second each, on two workers that leave after three tasks:")
	began := time.Now()
	pool, err := procpool.New(procpool.Config{Processes: 2, MaxTasksPerChild: 3, Stdout: out})
	if err != nil {
		return err
	}
	defer pool.Terminate()
	if _, err := demoWork.Map(ctx, pool, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}); err != nil {
		return err
	}
	if err := pool.Shutdown(ctx); err != nil {
		return err
	}
	fmt.Fprintf(out, `
What to notice:
* No worker printed more than three lines: workers 1 and 2 left after three, 3 and 4 took over.
* It took %.1f s; ten seconds of work on two workers take 5. The successors were ready in time.
* They are processes: a crash, a leak or an endless loop in one costs its own task only.
The program is examples/recycle; 'procpool map sleep --max-tasks-per-child 3 --stats' plays on.
`, time.Since(began).Seconds())
	return nil
}
