// Package settings is the pool's configuration as flags and environment variables.
package settings

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/pflag"

	"github.com/procpool/procpool"
)

// Pool is what the flags fill in.
type Pool struct {
	Config procpool.Config
	Call   procpool.CallOptions
}

// Flags returns a flag for every setting of a pool, under the library's name.
func (p *Pool) Flags() *pflag.FlagSet {
	f := pflag.NewFlagSet("pool", pflag.ContinueOnError)
	c, r := &p.Config, &p.Config.Recycle
	f.IntVarP(&c.Processes, "processes", "p", 0, "workers at a time (default: one per processor)")
	f.IntVar(&c.MaxTasksPerChild, "max-tasks-per-child", 0, "replace a worker after `n` items")
	f.Float64Var(&r.Jitter, "jitter", 0, "cut that limit and --max-age by a random share, 0 to 1")
	f.Var(size{&r.Memory}, "max-memory", "replace a worker that is larger after an item")
	f.Var(size{&r.Growth}, "max-growth", "replace a worker that has grown by more since its first item")
	f.Var(size{&r.HardMemory}, "hard-memory", "end a worker that is larger at any moment; its item fails")
	f.Var(duration{&r.Age}, "max-age", "replace a worker after this time")
	f.Var(duration{&r.Idle}, "max-idle", "replace a worker that had nothing to do for so long")
	f.BoolVar(&r.OnPanic, "recycle-on-panic", false, "replace a worker after a panic")
	f.IntVar(&c.Spares, "spares", 0, "successors kept ready (default: as recycling needs); -1: none")
	f.Var(duration{&p.Call.Timeout}, "timeout", "most time for an item; then its worker is told to stop")
	f.Var(duration{&c.Grace}, "grace", "from telling a worker to stop to killing it (default 5s)")
	f.IntVar(&p.Call.Retries, "retries", 0, "how often an item whose worker died may run again")
	f.BoolVar(&p.Call.FailFast, "fail-fast", false, "the first failure cancels the rest")
	f.IntVar(&p.Call.Window, "window", 0, "items read ahead of the results (default: as many as keep the workers busy)")
	f.Var(duration{&c.StartTimeout}, "start-timeout", "most time for a worker to start (default 1m0s)")
	f.IntVar(&c.Restart.MaxFailures, "restart-max-failures", 0, "give up after so many failed starts in a row (default 5); -1: never")
	f.Var(duration{&c.Restart.Backoff}, "restart-backoff", "wait after a failed start, doubled each time (default 50ms)")
	f.Var(duration{&c.Restart.MaxBackoff}, "restart-max-backoff", "but never longer (default 10s)")
	f.IntVar(&c.Scale.Min, "scale-min", 0, "let the number of workers follow the work: at least")
	f.IntVar(&c.Scale.Max, "scale-max", 0, "and at most")
	f.Var(duration{&c.Scale.Wait}, "scale-wait", "grow while items wait longer (default 100ms)")
	f.Var(duration{&c.Scale.Idle}, "scale-idle", "shrink after a worker was idle for so long (default 10s)")
	f.StringArrayVar(&c.Env, "env", nil, "`NAME=VALUE` for the workers' environment; may be repeated")
	f.StringVar(&c.Dir, "dir", "", "where workers run (default: here)")
	return f
}

// Check tells what is wrong with the settings of single items. Those of the pool are checked by procpool.New.
func (p *Pool) Check() error {
	switch {
	case p.Call.Retries < 0:
		return fmt.Errorf("--retries %d: use 0 for none", p.Call.Retries)
	case p.Call.Window < 0:
		return fmt.Errorf("--window %d: use 0 for the default", p.Call.Window)
	}
	return nil
}

// names turns the library's names of settings into those of flags.
var names = strings.NewReplacer(
	"procpool: ", "", "Config.", "--",
	"Processes", "processes", "MaxTasksPerChild", "max-tasks-per-child", "Spares", "spares", "StartTimeout", "start-timeout",
	"Recycle.Jitter", "jitter", "Recycle.Age and Idle", "max-age and --max-idle",
	"Restart.Backoff and MaxBackoff", "restart-backoff and --restart-max-backoff",
	"Scale.Wait and Idle", "scale-wait and --scale-idle", "Scale's", "--scale-min and --scale-max's",
	"Scale is", "scale-min and --scale-max are", "Min", "--scale-min", "Max", "--scale-max",
)

// Explain tells what procpool.New finds wrong, in the words of the flags.
func Explain(err error) error {
	return errors.New(strings.ReplaceAll(names.Replace(err.Error()), "\n", "; "))
}

// prefix is of the environment variables that stand for flags.
const prefix = "PROCPOOL_"

// Variable returns the environment variable that stands for a flag.
func Variable(flag string) string {
	return prefix + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// FromEnvironment sets flags that were not given from their variables.
func FromEnvironment(f *pflag.FlagSet) (err error) {
	f.VisitAll(func(flag *pflag.Flag) {
		text, ok := os.LookupEnv(Variable(flag.Name))
		if !ok || text == "" || flag.Changed || err != nil {
			return
		}
		if e := flag.Value.Set(text); e != nil {
			err = fmt.Errorf("%s: %w", Variable(flag.Name), e)
		}
	})
	return err
}
