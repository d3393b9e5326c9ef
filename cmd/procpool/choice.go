package main

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/procpool/procpool"
	"github.com/procpool/procpool/cmd/procpool/internal/ask"
	"github.com/procpool/procpool/cmd/procpool/internal/builtin"
	"github.com/procpool/procpool/cmd/procpool/internal/job"
	"github.com/procpool/procpool/workers/python"
)

// choice is how a worker is chosen: what the flags say about it.
type choice struct {
	python, interpreter string
	lines               bool
	exec                string
	shell               bool
	task                string
}

// worker is what runs the items.
type worker struct {
	method      procpool.StartMethod
	task        string
	initializer procpool.Initializer
}

// decide finds the worker and the input's files. dash is how many arguments stand before --, or -1.
func (c *choice) decide(args []string, dash int) (w worker, files []string, err error) {
	var program []string
	if dash >= 0 {
		args, program = args[:dash], args[dash:]
	}
	if err := c.consistent(len(program) > 0); err != nil {
		return w, nil, err
	}
	switch {
	case c.python != "":
		w, err = c.pythonWorker(c.python, program)
	case c.exec != "":
		w, err = c.execWorker()
	case c.lines:
		w = worker{method: procpool.Lines(program[0], program[1:]...), task: "line"}
	case len(program) > 0:
		w, err = c.programWorker(program[0], program[1:])
	default:
		return c.named(args)
	}
	return w, args, err
}

// consistent tells what cannot stand together.
func (c *choice) consistent(program bool) error {
	chosen := 0
	for _, yes := range []bool{c.python != "", c.exec != "", c.lines} {
		if yes {
			chosen++
		}
	}
	switch {
	case chosen > 1:
		return errors.New("--python, --lines and --exec: choose one")
	case c.lines && !program:
		return errors.New("--lines needs a filter: procpool map --lines -- CMD ARGS")
	case c.exec != "" && program:
		return errors.New("--exec takes the whole command as one argument: --exec 'CMD {}'")
	case c.shell && c.exec == "":
		return errors.New("--shell belongs to --exec")
	case c.task != "" && (chosen > 0 || !program):
		return errors.New("--task belongs to a program: procpool map --task NAME -- PROGRAM ARGS")
	}
	return nil
}

// named takes the first argument for the worker.
func (c *choice) named(args []string) (worker, []string, error) {
	if len(args) == 0 {
		return worker{}, nil, fmt.Errorf("no worker: name one of %s, or see procpool map --help", builtins())
	}
	name, files := args[0], args[1:]
	if builtin.Names[name] != "" {
		return worker{task: name}, files, nil
	}
	if strings.Contains(name, ":") {
		w, err := c.pythonWorker(name, nil)
		return w, files, err
	}
	return worker{}, nil, fmt.Errorf("no worker %q: name one of %s, or use --python, --lines, --exec or -- PROGRAM", name, builtins())
}

func (c *choice) pythonWorker(function string, args []string) (worker, error) {
	at := strings.LastIndexByte(function, ':')
	if at <= 0 || at == len(function)-1 {
		return worker{}, fmt.Errorf("--python %s: want FILE.py:FUNC or MODULE:FUNC", function)
	}
	if file := function[:at]; strings.HasSuffix(file, ".py") {
		if _, err := os.Stat(file); err != nil {
			return worker{}, fmt.Errorf("--python %s: there is no such file", file)
		}
	}
	method := python.Worker(python.Options{Function: function, Python: c.interpreter, Args: args})
	return worker{method: method, task: function[at+1:]}, nil
}

// programWorker asks a program for its task, if that was not said: most have just one.
func (c *choice) programWorker(path string, args []string) (worker, error) {
	w := worker{method: procpool.Command(path, args...), task: c.task}
	if c.task != "" {
		return w, nil
	}
	tasks, err := ask.Tasks(path, args)
	switch {
	case err != nil:
		return w, &job.Error{Code: job.CouldNotRun, Err: fmt.Errorf("%s: %w", path, err)}
	case len(tasks) == 0:
		return w, &job.Error{Code: job.CouldNotRun, Err: fmt.Errorf("%s has no tasks", path)}
	case len(tasks) > 1:
		return w, fmt.Errorf("%s has several tasks: choose one with --task: %s", path, strings.Join(tasks, ", "))
	}
	w.task = tasks[0]
	return w, nil
}

func (c *choice) execWorker() (worker, error) {
	t, err := builtin.NewTemplate(c.exec, c.shell)
	if err != nil {
		return worker{}, err
	}
	return worker{task: builtin.ExecName, initializer: t.Initializer()}, nil
}

func builtins() string { return strings.Join(slices.Sorted(maps.Keys(builtin.Names)), ", ") }

// completeWorker offers the built-in tasks, and then files.
func completeWorker(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	flags := cmd.Flags()
	if len(args) > 0 || flags.Changed("python") || flags.Changed("exec") || flags.Changed("lines") {
		return nil, cobra.ShellCompDirectiveDefault
	}
	var names []string
	for _, name := range slices.Sorted(maps.Keys(builtin.Names)) {
		names = append(names, name+"\t"+builtin.Names[name])
	}
	return names, cobra.ShellCompDirectiveDefault
}
