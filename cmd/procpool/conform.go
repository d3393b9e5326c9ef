package main

import (
	"errors"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/procpool/procpool/cmd/procpool/internal/job"
	"github.com/procpool/procpool/internal/conform"
)

func newConform() *cobra.Command {
	var o conform.Options
	cmd := &cobra.Command{
		Use:   "conform [--fix-hints] [--patience TIME] -- PROGRAM ARGS...",
		Short: "Test a worker program against the protocol",
		Long: "Start the program once for every rule of docs/protocol.md, and tell which rules hold. The program must offer\n" +
			"the tasks that the document lists for this. The exit code is 0 only if no rule is broken.",
		Example: "  procpool conform -- python3 worker.py\n  procpool conform --fix-hints -- ./worker",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return errors.New("conform needs a program: procpool conform -- PROGRAM ARGS")
			}
			ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGINT, syscall.SIGTERM)
			defer stop()
			report := conform.Run(ctx, args[0], args[1:], o)
			report.WriteTo(cmd.OutOrStdout())
			switch {
			case ctx.Err() != nil:
				return &job.Error{Code: job.Interrupted}
			case !report.OK():
				return &job.Error{Code: job.SomeFailed}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&o.FixHints, "fix-hints", false, "say what to look at where a rule is broken")
	cmd.Flags().DurationVar(&o.Patience, "patience", 0, "how long the program has to react, on a busy machine (default what the rule says)")
	return cmd
}
