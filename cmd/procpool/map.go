package main

import (
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/procpool/procpool/cmd/procpool/internal/items"
	"github.com/procpool/procpool/cmd/procpool/internal/job"
	"github.com/procpool/procpool/cmd/procpool/internal/progress"
	"github.com/procpool/procpool/cmd/procpool/internal/settings"
)

const mapHelp = `Usage: procpool map [flags] WORKER [FILE...]

  procpool map --python tools.py:resize -p 8 names  a Python function
  procpool map --lines -- sed -u 's/a/b/' < input    a filter, kept running
  procpool map --exec 'convert {} {}.png' < list     a process for each item
  procpool map --json -- ./worker < values.jsonl     a worker program
  procpool map sha256 names.txt                      built in; also echo, sleep

Items    one a line; -0, --null: between NUL bytes; --json: a JSON value a line
Results  in order; -u, --unordered: as they come; -o, --output json: as records
         --keep-failed FILE  the items that failed, for another go
         --log FILE  what is done; --resume  skips that and does the rest
         --progress auto|always|never  --stats  where the time went
         --dashboard :8080  a live page of the workers
Workers  -p, --processes N  --max-tasks-per-child N  --max-memory 512MiB
         --hard-memory 2GiB  --max-age 1h  --jitter 0.1
Tasks    --timeout 1.5s  --grace 5s  --retries N  --fail-fast  --window N
         --shell (with --exec)  --task NAME (of a program)

Any flag can be a variable: PROCPOOL_MAX_MEMORY=512MiB. All: procpool help flags
Exit: 0 all succeeded, 1 some failed, 2 usage, 3 cannot run, 130 interrupted
`

// mapFlags are the flags of map.
type mapFlags struct {
	choice       choice
	settings     settings.Pool
	null, json   bool
	output, when string
	job          job.Options
}

func newMap() *cobra.Command {
	f := &mapFlags{}
	cmd := &cobra.Command{
		Use: "map [flags] WORKER [FILE...]", Short: "Send items to workers, print the results",
		ValidArgsFunction: completeWorker,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := settings.FromEnvironment(cmd.Flags()); err != nil {
				return err
			}
			return f.run(args, cmd.ArgsLenAtDash())
		},
	}
	f.register(cmd.Flags())
	cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]string{"text", "json"}, cobra.ShellCompDirectiveNoFileComp))
	cmd.RegisterFlagCompletionFunc("progress", cobra.FixedCompletions([]string{"auto", "always", "never"}, cobra.ShellCompDirectiveNoFileComp))
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error {
		return fmt.Errorf("%w (see procpool map --help)", err)
	})
	handwritten(cmd, mapHelp)
	return cmd
}

func (f *mapFlags) register(set *pflag.FlagSet) {
	set.SortFlags = false
	set.StringVar(&f.choice.python, "python", "", "`FILE.py:FUNC` or MODULE:FUNC: a Python function")
	set.StringVar(&f.choice.interpreter, "interpreter", "", "Python's `path` (default: python3)")
	set.BoolVar(&f.choice.lines, "lines", false, "-- CMD ARGS: a filter that answers each line with one, kept running")
	set.StringVar(&f.choice.exec, "exec", "", "`CMD`: a process for each item, which replaces {}")
	set.BoolVar(&f.choice.shell, "shell", false, "let sh run what --exec says; items are quoted")
	set.StringVar(&f.choice.task, "task", "", "`name` of the task of a program that speaks the protocol")
	set.BoolVarP(&f.null, "null", "0", false, "items end with NUL bytes")
	set.BoolVar(&f.json, "json", false, "items are JSON values, one a line")
	set.BoolVarP(&f.job.Unordered, "unordered", "u", false, "print results as they come")
	set.StringVarP(&f.output, "output", "o", "text", "text, or json: a record for each item")
	set.StringVar(&f.job.KeepFailed, "keep-failed", "", "write the items that failed to `FILE`")
	set.StringVar(&f.job.Log, "log", "", "note every finished item in `FILE`")
	set.BoolVar(&f.job.Resume, "resume", false, "skip what the log holds")
	set.StringVar(&f.when, "progress", "auto", "auto: a bar on a terminal, else a line now and then; always: and one at the end; never")
	set.BoolVar(&f.job.Stats, "stats", false, "tell at the end where the time went")
	set.StringVar(&f.job.Dashboard, "dashboard", "", "serve a live page on `ADDRESS`, of this machine unless it names a host")
	set.AddFlagSet(f.settings.Flags())
}

func (f *mapFlags) run(args []string, dash int) error {
	o := f.job
	switch {
	case f.null && f.json:
		return fmt.Errorf("--null and --json: choose one")
	case f.null:
		o.Format = items.Null
	case f.json:
		o.Format = items.JSON
	}
	var err error
	if o.JSON, err = oneOf("--output", f.output, "text", "json"); err != nil {
		return err
	}
	if _, err = oneOf("--progress", f.when, "auto", "always", "never"); err != nil {
		return err
	}
	o.Progress = progress.When(f.when)
	if err := f.settings.Check(); err != nil {
		return err
	}
	worker, files, err := f.choice.decide(args, dash)
	if err != nil {
		return err
	}
	o.Files, o.Task, o.Settings = files, worker.task, f.settings
	o.Settings.Config.StartMethod, o.Settings.Config.Initializer = worker.method, worker.initializer
	o.Filter = f.choice.lines
	return job.Run(o)
}

// oneOf checks a flag's value against its choices, and reports whether it is the last one.
func oneOf(flag, value string, choices ...string) (last bool, err error) {
	for i, c := range choices {
		if value == c {
			return i == len(choices)-1, nil
		}
	}
	return false, fmt.Errorf("%s %s: choose one of %v", flag, value, choices)
}
