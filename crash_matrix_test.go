//go:build linux || darwin

package procpool_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/procpool/procpool"
	"github.com/procpool/procpool/event"
	"github.com/procpool/procpool/pooltest"
)

var (
	crashVictim = procpool.Define("crash.victim", func(ctx context.Context, n int) (int, error) { return n + 1, nil })
	crashOther  = procpool.Define("crash.other", func(_ context.Context, n int) (int, error) { return 2 * n, nil })
	crashLeaver = procpool.Define("crash.leaver", func(ctx context.Context, n int) (int, error) {
		procpool.RetireWorker(ctx)
		return n + 1, nil
	})
)

// crashFrame is how long the victim's answer is: a header, and two bytes for 42.
const crashFrame = 18

// crashDeath is how a worker with a behaviour ends.
type crashDeath struct {
	cause  procpool.Cause
	exit   int
	signal syscall.Signal // 0: none, or any if exit is -1
	text   string         // in the error's text or stderr
	hangs  bool           // it does not end by itself; the pool must notice that and end it
}

var crashDeaths = map[pooltest.Behaviour]crashDeath{
	pooltest.Exit0:    {cause: procpool.CauseExited, exit: 0, text: "exit status 0"},
	pooltest.Exit1:    {cause: procpool.CauseExited, exit: 1, text: "exit status 1"},
	pooltest.Panic:    {cause: procpool.CauseCrashed, exit: 2, text: "panic: pooltest: on purpose"},
	pooltest.Fatal:    {cause: procpool.CauseCrashed, exit: 2, text: "fatal error: sync: unlock of unlocked mutex"},
	pooltest.Kill:     {cause: procpool.CauseKilledOutside, exit: -1, signal: syscall.SIGKILL, text: "killed"},
	pooltest.Segfault: {cause: procpool.CauseCrashed, exit: 2, signal: syscall.SIGSEGV, text: "SIGSEGV: segmentation violation"},
	pooltest.Torn:     {cause: procpool.CauseExited, exit: 1, text: "exit status 1"},
	pooltest.Close:    {cause: procpool.CauseProtocol, exit: -1, text: "it closed its channel"},
	pooltest.Garbage:  {cause: procpool.CauseProtocol, exit: -1, text: "it sent a frame of type 128"},
	pooltest.Stop:     {cause: procpool.CauseTimedOut, exit: -1, hangs: true},
	pooltest.Half:     {cause: procpool.CauseTimedOut, exit: -1, hangs: true},
	pooltest.Noise:    {},
}

// endsItself tells the behaviours after which the process is gone without anybody's doing.
func endsItself(b pooltest.Behaviour) bool {
	d := crashDeaths[b]
	return d.cause != procpool.CauseProtocol && d.cause != event.CauseNone && !d.hangs
}

// crashCell is one place in the matrix.
type crashCell struct {
	over   string // spawn, or command: over rings, or over pipes
	at     pooltest.Point
	do     pooltest.Behaviour
	offset int
}

func (c crashCell) name() string {
	s := fmt.Sprintf("%s/%s/%s", c.over, c.at, c.do)
	if c.at == pooltest.InResult {
		s += fmt.Sprintf("/%d", c.offset)
	}
	return strings.ReplaceAll(s, " ", "_")
}

// crashMatrix lists the cells. The slow ones, where somebody must wait for a hanging worker, come first.
func crashMatrix() (cells []crashCell) {
	points := []pooltest.Point{
		pooltest.BeforeHello, pooltest.InInitializer, pooltest.Idle, pooltest.Received, pooltest.InFunction,
		pooltest.AfterResult, pooltest.Retiring, pooltest.Stopping,
	}
	for _, over := range []string{"spawn", "command"} {
		for do := range crashDeaths {
			for _, at := range points {
				cells = append(cells, crashCell{over: over, at: at, do: do})
			}
		}
		for offset := range crashFrame + 1 {
			cells = append(cells, crashCell{over, pooltest.InResult, pooltest.Kill, offset})
			cells = append(cells, crashCell{over, pooltest.InResult, pooltest.Exit0, offset})
		}
		for _, do := range []pooltest.Behaviour{pooltest.Stop, pooltest.Close, pooltest.Noise, pooltest.Segfault} {
			for _, offset := range []int{1, 15, 16} {
				cells = append(cells, crashCell{over, pooltest.InResult, do, offset})
			}
		}
	}
	slices.SortFunc(cells, func(a, b crashCell) int {
		ah, bh := crashDeaths[a.do].hangs, crashDeaths[b.do].hangs
		if ah != bh {
			return map[bool]int{true: -1, false: 1}[ah]
		}
		return cmp.Compare(a.name(), b.name())
	})
	return cells
}

// crashAtOnce is how many cells run at the same time, beside those that do little but wait.
const crashAtOnce = 6

func TestCrashMatrix(t *testing.T) {
	pooltest.Check(t)
	cells := crashMatrix()
	ends := make([]chan error, len(cells))
	slots := make(chan struct{}, crashAtOnce)
	configs := make([]procpool.Config, len(cells))
	for i, c := range cells {
		ends[i] = make(chan error, 1)
		configs[i] = c.config(t)
	}
	var running sync.WaitGroup
	running.Go(func() { // ends when the last cell has begun; each cell ends by its own deadline
		for i, c := range cells {
			if c.neverReady() {
				running.Go(func() { ends[i] <- c.run(configs[i]) })
				continue
			}
			slots <- struct{}{}
			running.Go(func() {
				ends[i] <- c.run(configs[i])
				<-slots
			})
		}
	})
	defer running.Wait() // also for those that -run leaves out
	for i, c := range cells {
		t.Run(c.name(), func(t *testing.T) {
			if err := <-ends[i]; err != nil {
				t.Error(err)
			}
		})
	}
	t.Logf("%d cells", len(cells))
}

func (c crashCell) config(t *testing.T) procpool.Config {
	f := pooltest.Fault{At: c.at, Do: c.do, Offset: c.offset, Times: 1}
	if c.at == pooltest.Received || c.at == pooltest.InFunction || c.at == pooltest.InResult || c.at == pooltest.AfterResult {
		f.Task = "crash.victim"
	}
	cfg := procpool.Config{
		Processes: 2, Grace: 50 * time.Millisecond, StartTimeout: 30 * time.Second,
		Stdout: new(crashOutput), Stderr: new(crashOutput),
		Restart: procpool.Restart{Backoff: time.Millisecond},
	}
	if c.neverReady() {
		cfg.StartTimeout = 10 * time.Second
	}
	if c.over == "spawn" {
		cfg.Env = pooltest.Env(t, f)
	} else {
		cfg.StartMethod = pooltest.Misbehave(t, f)
	}
	return cfg
}

// neverReady reports whether the worker is to hang at its start, until StartTimeout: within that all others must start.
func (c crashCell) neverReady() bool {
	return crashDeaths[c.do].hangs && (c.at == pooltest.BeforeHello || c.at == pooltest.InInitializer)
}

// lost reports whether the victim is to die with its worker.
func (c crashCell) lost() bool {
	switch c.at {
	case pooltest.InFunction:
		return c.do != pooltest.Noise
	case pooltest.InResult:
		return c.do != pooltest.Noise && c.offset < crashFrame
	}
	return false
}

// endsEarly reports whether the worker's end does not wait for the pool to leave.
func (c crashCell) endsEarly() bool {
	switch c.at {
	case pooltest.BeforeHello, pooltest.InInitializer:
		return c.do != pooltest.Noise
	case pooltest.InFunction, pooltest.InResult:
		return c.lost() || endsItself(c.do)
	case pooltest.Idle, pooltest.Received, pooltest.AfterResult:
		return endsItself(c.do)
	}
	return false
}

// run returns what did not hold.
func (c crashCell) run(cfg procpool.Config) error {
	ctx, done := context.WithTimeout(context.Background(), time.Minute)
	defer done()
	var seen crashEvents
	exited := make(chan struct{}, 100)
	cfg.OnEvent = func(e event.Event) {
		seen.add(e)
		if _, ok := e.(event.WorkerExited); ok {
			exited <- struct{}{}
		}
	}
	pool, err := procpool.New(cfg)
	if err != nil {
		return err
	}
	defer pool.Terminate()
	victim := crashVictim
	if c.at == pooltest.Retiring {
		victim = crashLeaver
	}
	if crashDeaths[c.do].hangs && c.lost() {
		victim = victim.With(procpool.CallOptions{Timeout: 500 * time.Millisecond})
	}

	before := crashOther.MapAsync(ctx, pool, crashInputs(20))
	r := victim.ApplyAsync(ctx, pool, 41)
	after := crashOther.MapAsync(ctx, pool, crashInputs(20))
	v, err := r.Get(ctx)
	problems := []error{c.judge(v, err), crashDoubled(before.Get(ctx)), crashDoubled(after.Get(ctx))}
	problems = append(problems, crashDoubled(crashOther.Map(ctx, pool, crashInputs(50))))
	if c.endsEarly() {
		select {
		case <-exited:
		case <-ctx.Done():
		}
	}
	if err := pool.Shutdown(ctx); err != nil {
		problems = append(problems, fmt.Errorf("Shutdown: %w", err))
	}
	problems = append(problems, c.judgeEvents(seen.all()), c.judgeStats(pool.Stats()))
	return errors.Join(problems...)
}

// judge says what is wrong with the victim's result.
func (c crashCell) judge(v int, err error) error {
	if !c.lost() {
		if v != 42 || err != nil {
			return fmt.Errorf("victim: %v, %v, want a result", v, err)
		}
		return nil
	}
	d := crashDeaths[c.do]
	we, ok := errors.AsType[*procpool.WorkerError](err)
	switch {
	case !ok:
		return fmt.Errorf("victim: %v, %T %v, want a WorkerError", v, err, err)
	case we.Cause != d.cause || we.ExitCode != d.exit || we.Signal != d.signal && (d.exit >= 0 || d.signal != 0):
		return fmt.Errorf("victim: %v, exit %d, signal %d, want %v, %d, %d", we.Cause, we.ExitCode, we.Signal, d.cause, d.exit, d.signal)
	case we.Task != "crash.victim" || we.PID == 0 || we.Worker == "" || we.Attempt != 1:
		return fmt.Errorf("victim: names are wrong: %+v", we)
	case !strings.Contains(we.Error()+we.Stderr, d.text):
		return fmt.Errorf("victim: %q and stderr %q do not say %q", we, we.Stderr, d.text)
	}
	return nil
}

// judgeEvents says what is wrong with how the worker's end was told: once, and with its cause, where it ended by itself
// before the pool wanted it to.
func (c crashCell) judgeEvents(all []event.Event) error {
	if c.do == pooltest.Noise || c.at == pooltest.Retiring || c.at == pooltest.Stopping {
		return nil
	}
	var exits []event.WorkerExited
	failed := 0
	for _, e := range all {
		switch e := e.(type) {
		case event.WorkerExited:
			if e.Cause != event.CauseNone {
				exits = append(exits, e)
			}
		case event.WorkerStartFailed:
			failed++
		}
	}
	early := c.at == pooltest.BeforeHello || c.at == pooltest.InInitializer
	switch {
	case early && failed != 1:
		return fmt.Errorf("%d starts failed, want 1", failed)
	case c.lost() && failed != 0:
		return fmt.Errorf("a death under a task counts as a failed start")
	case !early && !c.lost() && !endsItself(c.do):
		return nil // the pool may have ended it first
	case len(exits) != 1:
		return fmt.Errorf("%d unplanned exits, want 1: %+v", len(exits), exits)
	}
	d, e := crashDeaths[c.do], exits[0]
	if e.Cause != d.cause || e.ExitCode != d.exit {
		return fmt.Errorf("exit told as %v (exit status %d, signal %d), want %v (%d)", e.Cause, e.ExitCode, e.Signal, d.cause, d.exit)
	}
	return nil
}

func (c crashCell) judgeStats(s procpool.Stats) error {
	failed := uint64(0)
	if c.lost() {
		failed = 1
	}
	if s.Submitted != 91 || s.Succeeded != 91-failed || s.Failed != failed || s.Queued+s.Running != 0 {
		return fmt.Errorf("figures are wrong: %+v", s)
	}
	return nil
}
