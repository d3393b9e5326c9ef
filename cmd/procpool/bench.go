package main

import (
	"github.com/spf13/cobra"

	"github.com/procpool/procpool/cmd/procpool/internal/bench"
	"github.com/procpool/procpool/cmd/procpool/internal/job"
)

func newBench() *cobra.Command {
	o := bench.Options{}
	cmd := &cobra.Command{
		Use: "bench", Short: "Measure this machine, and Python's multiprocessing.Pool beside it", Args: cobra.NoArgs,
		Long: "Measure what a task costs that does nothing: many at a time, one after another, and with a new worker for each.\n" +
			"If Python 3 is there, its multiprocessing.Pool does the same. It takes a few seconds.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := bench.Run(cmd.Context(), cmd.OutOrStdout(), o); err != nil {
				return &job.Error{Code: job.CouldNotRun, Err: err}
			}
			return nil
		},
	}
	cmd.Flags().IntVarP(&o.Processes, "processes", "p", 0, "workers at a time (default: one per processor)")
	cmd.Flags().DurationVar(&o.Each, "time", 0, "how long to measure each (default 1s)")
	cmd.Flags().StringVar(&o.Python, "interpreter", "python3", "Python's path; empty: leave it out")
	return cmd
}
