package procpool

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"runtime"
	"syscall"
	"time"

	"github.com/procpool/procpool/event"
	"github.com/procpool/procpool/internal/lifecycle"
)

// Config says how a pool is to be. The zero value is a pool of GOMAXPROCS(0) copies of this program.
//
// While tasks take less than about 10 µs, a pool with more than two processes for each processor of the machine keeps only so many
// at work, for to wake another costs more than the task; the others are idle though tasks wait. A task that takes longer then may
// wait for 2 ms until one of them is used.
type Config struct {
	Processes        int                  // 0: GOMAXPROCS(0), which knows affinity and cgroup quota; < 0: error
	MaxTasksPerChild int                  // a worker leaves after this many tasks and is replaced; 0: it lives as long as the pool; < 0: error
	Recycle          Recycle              // further reasons to replace a worker
	Spares           int                  // successors kept ready beyond Processes; 0: as many as recycling needs; -1: none, replace after the exit (for workers that hold a port, a GPU, much memory)
	Scale            Scale                // let the number of processes follow the work
	Initializer      Initializer          // runs once in each worker, replacements too, before its first task
	StartMethod      StartMethod          // zero: Spawn()
	Queue            Queue                // how many tasks may wait, and what a full queue does
	Restart          Restart              // what to do when workers fail to start
	TaskTimeout      time.Duration        // default for CallOptions.Timeout; 0: none
	Grace            time.Duration        // from telling a task to stop to SIGTERM; default 5s; < 0: none, and no time for a worker to say what it was doing
	StartTimeout     time.Duration        // spawn to ready, initializer included; default 60s
	Stdout, Stderr   io.Writer            // where workers' output goes; nil: the parent's own; calls are serialised
	Env              []string             // added to the parent's environment
	Dir              string               // where workers run; empty: here
	SysProcAttr      *syscall.SysProcAttr // user, cgroup, ...; what the pool needs is added to a copy
	OnEvent          func(event.Event)    // told of everything, in order, on a goroutine of the pool; see package event
}

// Recycle holds the reasons to replace a worker besides MaxTasksPerChild. A zero field is no reason. A successor is ready
// before the worker leaves, unless Spares is -1.
type Recycle struct {
	Jitter     float64               // each worker's MaxTasksPerChild and Age are cut by a random share up to this; 0 ≤ Jitter < 1
	Memory     uint64                // resident bytes after a task; the worker is replaced
	Growth     uint64                // resident bytes above the worker's own size after its first task
	HardMemory uint64                // resident bytes at any moment; the task ends with CauseOutOfMemory
	Age, Idle  time.Duration         // since it was spawned; since its last task
	OnPanic    bool                  // after a task that panicked
	When       func(WorkerInfo) bool // asked in the parent after each task's result, never on the path of that result
}

// Scale lets the number of processes follow the work: Processes is the start, Min ≤ Processes ≤ Max. The pool grows while
// tasks wait longer than Wait, and shrinks after Idle. Zero: a fixed size.
type Scale struct {
	Min, Max   int
	Wait, Idle time.Duration // 0: 100ms and 10s
}

// Queue bounds how many tasks may wait. Limit 0: no limit. Reject: ErrQueueFull instead of waiting. A task that waits costs
// about 210 bytes, its result included, and its encoded argument if that is over 16 bytes; an item of a Map 8 bytes, its
// encoded argument and the room for its result.
type Queue struct {
	Limit  int
	Reject bool
}

// Restart says what to do when workers fail to start: retry with exponential Backoff up to MaxBackoff, and after
// MaxFailures in a row fail what waits with *StartError until a probe succeeds. 0: 5, 50ms, 10s; MaxFailures < 0: never
// give up.
type Restart struct {
	MaxFailures         int
	Backoff, MaxBackoff time.Duration
}

// check returns what is wrong with the configuration.
func (c *Config) check() error {
	return errors.Join(
		notNegative("Processes", c.Processes, "use 0 for one per processor"),
		notNegative("MaxTasksPerChild", c.MaxTasksPerChild, "use 0 for workers that live as long as the pool"),
		notNegative("Queue.Limit", c.Queue.Limit, "use 0 for no limit"),
		wrongIf(c.Spares < -1, "Spares is %d: use -1 for none, 0 for as many as needed", c.Spares),
		wrongIf(!(c.Recycle.Jitter >= 0 && c.Recycle.Jitter < 1), "Recycle.Jitter is %v: use a share from 0 to below 1", c.Recycle.Jitter),
		wrongIf(c.Recycle.Age < 0 || c.Recycle.Idle < 0, "Recycle.Age and Idle cannot be negative: use 0 for no limit"),
		wrongIf(c.StartTimeout < 0, "StartTimeout is %v: use 0 for the default of 60s", c.StartTimeout),
		wrongIf(c.Restart.Backoff < 0 || c.Restart.MaxBackoff < 0, "Restart.Backoff and MaxBackoff cannot be negative: use 0 for the defaults"),
		c.checkScale(), c.Initializer.check(), c.StartMethod.check(c),
	)
}

func (c *Config) checkScale() error {
	s := c.Scale
	if s == (Scale{}) {
		return nil
	}
	n := c.processes()
	return errors.Join(
		wrongIf(s.Min < 0 || s.Max < 1 || s.Min > s.Max, "Scale is %d to %d: use 0 ≤ Min ≤ Max, and Max of at least 1", s.Min, s.Max),
		wrongIf(s.Wait < 0 || s.Idle < 0, "Scale.Wait and Idle cannot be negative: use 0 for the defaults"),
		wrongIf(n < s.Min || n > s.Max, "Processes is %d, outside of Scale's %d to %d", n, s.Min, s.Max),
	)
}

func (i *Initializer) check() error {
	if i.err != nil {
		return fmt.Errorf("procpool: argument of initializer %q: %w", i.name, i.err)
	}
	return nil
}

func notNegative(field string, n int, remedy string) error {
	return wrongIf(n < 0, "%s is %d: %s", field, n, remedy)
}

func wrongIf(wrong bool, format string, args ...any) error {
	if !wrong {
		return nil
	}
	return fmt.Errorf("procpool: Config."+format, args...)
}

// processes returns how many processes the pool starts with.
func (c *Config) processes() int {
	if c.Processes > 0 {
		return c.Processes
	}
	n := runtime.GOMAXPROCS(0)
	if c.Scale != (Scale{}) {
		n = min(max(n, c.Scale.Min), c.Scale.Max)
	}
	return n
}

// or returns v, or the default d if v is zero.
func or[T comparable](v, d T) T {
	var zero T
	if v == zero {
		return d
	}
	return v
}

// fleet returns the configuration of the workers' lives, with all defaults.
func (c *Config) fleet() lifecycle.Config {
	f := lifecycle.Config{
		Processes: c.processes(), MaxTasks: c.MaxTasksPerChild, Jitter: c.Recycle.Jitter,
		Memory: c.Recycle.Memory, Growth: c.Recycle.Growth, Age: c.Recycle.Age, Idle: c.Recycle.Idle,
		Spares:       c.Spares,
		Rand:         rand.Float64,
		StartTimeout: or(c.StartTimeout, 60*time.Second),
		Restart: lifecycle.Restart{
			MaxFailures: or(c.Restart.MaxFailures, 5),
			Backoff:     or(c.Restart.Backoff, 50*time.Millisecond),
			MaxBackoff:  or(c.Restart.MaxBackoff, 10*time.Second),
		},
	}
	if c.Scale != (Scale{}) {
		f.Scale = lifecycle.Scale{
			Min: c.Scale.Min, Max: c.Scale.Max,
			Wait: or(c.Scale.Wait, 100*time.Millisecond), Idle: or(c.Scale.Idle, 10*time.Second),
		}
	}
	return f
}

// stdout and stderr return where workers' output goes.
func (c *Config) stdout() io.Writer { return orWriter(c.Stdout, os.Stdout) }
func (c *Config) stderr() io.Writer { return orWriter(c.Stderr, os.Stderr) }

func orWriter(w, d io.Writer) io.Writer {
	if w == nil {
		return d
	}
	return w
}
