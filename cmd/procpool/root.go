package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/procpool/procpool/cmd/procpool/internal/job"
)

const rootHelp = `procpool runs functions and programs on a pool of reusable worker processes.

  procpool map sha256 < names.txt                  map something over lines
  procpool map --python tools.py:fetch urls.txt    a Python function
  procpool demo                                    see workers being recycled
  procpool bench                                   measure this machine

Commands:
  map         send items to workers, print the results
  demo        run ten tasks on two workers that are replaced after three each
  bench       measure this machine, and Python's multiprocessing.Pool beside it
  conform     test a worker program against the protocol
  completion  print a completion script for bash, zsh, fish or powershell
  version     print the version

'procpool COMMAND --help' tells more.
`

// execute runs the command line and returns the exit code.
func execute(args []string) int {
	cmd := newRoot()
	cmd.SetArgs(args)
	err := cmd.Execute()
	if err == nil {
		return job.AllSucceeded
	}
	e, ok := errors.AsType[*job.Error](err)
	if !ok {
		e = &job.Error{Code: job.WrongUsage, Err: err}
	}
	if e.Err != nil {
		fmt.Fprintln(os.Stderr, complaint(e.Err))
	}
	return e.Code
}

func newRoot() *cobra.Command {
	cmd := &cobra.Command{
		Use: "procpool", Short: "Functions and programs on a pool of worker processes",
		SilenceErrors: true, SilenceUsage: true, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			fmt.Fprint(os.Stderr, rootHelp)
			return &job.Error{Code: job.WrongUsage}
		},
	}
	cmd.AddCommand(newMap(), newDemo(), newBench(), newConform(), newVersion(), newFlagsTopic())
	handwritten(cmd, rootHelp)
	return cmd
}

// handwritten gives a command a help text that fits a screen.
func handwritten(cmd *cobra.Command, text string) {
	standard := cmd.HelpFunc()
	cmd.SetHelpFunc(func(c *cobra.Command, args []string) {
		if c != cmd {
			standard(c, args)
			return
		}
		fmt.Fprint(c.OutOrStdout(), text)
	})
}
