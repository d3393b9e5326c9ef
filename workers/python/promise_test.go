//go:build unix

package python

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/procpool/procpool"
	"github.com/procpool/procpool/pooltest"
)

// The promise of the pool, kept with workers that are no Go programs.

const promises = `
import ctypes, os, signal, subprocess, sys, time
import procpool

@procpool.task
def run(code):
    names = {}
    exec(code, globals(), names)
    return names.get("result")

@procpool.task
def mark(file, n, code):
    with open(file, "a", buffering=1) as f:
        f.write("%d\n" % n)
    exec(code, globals())
    return n

@procpool.task
def worker(_):
    w = procpool.current_worker()
    return [w.pid, w.tasks]

@procpool.initializer
def greet(name):
    if name == "nobody":
        raise LookupError("nobody is here")
    print("hello", name)
    return lambda: print("goodbye", name)

procpool.serve()
`

var (
	run  = procpool.Declare[string, any]("run")
	mark = procpool.Declare[procpool.Args3[string, int, string], int]("mark")
)

// A death costs the one task that had started, however many wait in the same worker. None runs twice.
func TestDeathCostsOne(t *testing.T) {
	for name, death := range map[string]string{
		"killed": "os.kill(os.getpid(), signal.SIGKILL)", "exit": "os._exit(3)", "segfault": "ctypes.string_at(0)",
	} {
		t.Run(name, func(t *testing.T) {
			pooltest.Check(t)
			pool := newPool(t, procpool.Config{Processes: 2}, script(t, promises))
			file := filepath.Join(t.TempDir(), "ran")
			var in []procpool.Args3[string, int, string]
			deadly := []int{90, 91, 300, 499}
			for n := range 500 {
				code := "pass"
				if slices.Contains(deadly, n) {
					code = death
				}
				in = append(in, procpool.Three(file, n, code))
			}
			out, err := mark.Map(t.Context(), pool, in)
			var failed *procpool.MapError
			if !errors.As(err, &failed) {
				t.Fatal(err)
			}
			var lost []int
			for _, it := range failed.Items {
				lost = append(lost, it.Index)
				if _, ok := errors.AsType[*procpool.WorkerError](it); !ok {
					t.Errorf("item %d: %v", it.Index, it.Err)
				}
			}
			if !slices.Equal(lost, deadly) {
				t.Errorf("lost %v, want %v: %v", lost, deadly, err)
			}
			for n, got := range out {
				if got != n && !slices.Contains(deadly, n) {
					t.Errorf("task %d returned %d", n, got)
				}
			}
			checkOnce(t, file, 500)
		})
	}
}

// checkOnce checks that each of n tasks has run once.
func checkOnce(t *testing.T, file string, n int) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	ran := map[string]int{}
	for line := range strings.Lines(string(data)) {
		ran[strings.TrimSpace(line)]++
	}
	for i := range n {
		if c := ran[strconv.Itoa(i)]; c != 1 {
			t.Errorf("task %d ran %d times", i, c)
		}
	}
}

// Killed from outside at any moment, with its window full: at most one task each time, and that one had started.
func TestKilledFromOutside(t *testing.T) {
	pooltest.Check(t)
	pool := newPool(t, procpool.Config{Processes: 2}, script(t, promises))
	if err := pool.WaitReady(t.Context()); err != nil {
		t.Fatal(err)
	}
	const n, kills = 3000, 6
	file := filepath.Join(t.TempDir(), "ran")
	var wg sync.WaitGroup
	var mu sync.Mutex
	var lost []int
	done := make(chan int, n)
	for i := range n {
		wg.Add(1)
		mark.ApplyAsync(t.Context(), pool, procpool.Three(file, i, "pass")).
			OnSuccess(func(int) { done <- i; wg.Done() }).
			OnError(func(err error) {
				defer wg.Done()
				mu.Lock()
				defer mu.Unlock()
				lost = append(lost, i)
				if we, ok := errors.AsType[*procpool.WorkerError](err); !ok || we.Cause != procpool.CauseKilledOutside || we.Signal != syscall.SIGKILL {
					t.Errorf("task %d: %v", i, err)
				}
			})
	}
	for range kills {
		for range 100 {
			<-done
		}
		if all := pool.Workers(); len(all) > 0 && all[0].PID > 0 {
			syscall.Kill(all[0].PID, syscall.SIGKILL)
		}
	}
	wg.Wait()
	if len(lost) > kills {
		t.Errorf("%d kills cost %d tasks", kills, len(lost))
	}
	// A lost task may not have come to its mark; everything else has, once.
	data, _ := os.ReadFile(file)
	ran := map[string]int{}
	for line := range strings.Lines(string(data)) {
		ran[strings.TrimSpace(line)]++
	}
	for i := range n {
		if c := ran[strconv.Itoa(i)]; c > 1 || c == 0 && !slices.Contains(lost, i) {
			t.Errorf("task %d ran %d times", i, c)
		}
	}
}

// Each version does the common things, and no worker runs a task more than it may.
func TestEveryVersion(t *testing.T) {
	for _, python := range interpreters(t) {
		t.Run(python, func(t *testing.T) {
			pooltest.Check(t)
			o := script(t, promises)
			o.Python = python
			pool := newPool(t, procpool.Config{Processes: 2, MaxTasksPerChild: 7}, o)
			out, err := procpool.Declare[int, []int]("worker").Map(t.Context(), pool, make([]int, 49))
			if err != nil {
				t.Fatal(err)
			}
			most := map[int]int{}
			count := map[int]int{}
			for _, w := range out {
				most[w[0]] = max(most[w[0]], w[1])
				count[w[0]]++
			}
			for pid, n := range count {
				if n > 7 || most[pid] != n {
					t.Errorf("worker %d ran %d tasks, and counted %d", pid, n, most[pid])
				}
			}
			if len(count) > 8 {
				t.Errorf("49 tasks took %d workers, want 7 or 8", len(count))
			}
			var failed *procpool.TaskError
			_, err = run.Apply(t.Context(), pool, "def f(): raise KeyError('x')\nf()")
			if !errors.As(err, &failed) || failed.Type != "KeyError" || failed.Message != "'x'" || !strings.Contains(failed.Stack, "in f") {
				t.Errorf("an exception: %v", err)
			}
			var died *procpool.WorkerError
			if _, err = run.Apply(t.Context(), pool, "sys.exit(3)"); !errors.As(err, &died) || died.Cause != procpool.CauseExited || died.ExitCode != 3 {
				t.Errorf("sys.exit: %v", err)
			}
		})
	}
}

// How a task may end, and what the caller is told.
func TestCauses(t *testing.T) {
	pooltest.Check(t)
	pool := newPool(t, procpool.Config{Processes: 1}, script(t, promises))
	for code, want := range map[string]procpool.WorkerError{
		"sys.exit('bye')": {Cause: procpool.CauseExited, ExitCode: 1},
		"print('last words', file=sys.stderr)\nos._exit(7)": {Cause: procpool.CauseExited, ExitCode: 7, Stderr: "last words"},
		"os.abort()":                          {Cause: procpool.CauseCrashed, ExitCode: -1, Signal: syscall.SIGABRT, Stderr: "Fatal Python error: Aborted"},
		"ctypes.string_at(0)":                 {Cause: procpool.CauseCrashed, ExitCode: -1, Signal: syscall.SIGSEGV, Stderr: "Fatal Python error: Segmentation fault"},
		"signal.raise_signal(signal.SIGKILL)": {Cause: procpool.CauseKilledOutside, ExitCode: -1, Signal: syscall.SIGKILL},
		"os.close(4); time.sleep(60)":         {Cause: procpool.CauseProtocol},
		"os.write(4, b'boo!' * 10)":           {Cause: procpool.CauseProtocol},
	} {
		var died *procpool.WorkerError
		_, err := run.Apply(t.Context(), pool, code)
		if !errors.As(err, &died) || died.Cause != want.Cause || !strings.Contains(died.Stderr, want.Stderr) ||
			want.Cause != procpool.CauseProtocol && (died.ExitCode != want.ExitCode || died.Signal != want.Signal) {
			t.Errorf("%s: %v (%+v)", code, err, died)
		}
	}
	for code, name := range map[string]string{
		"raise MemoryError": "MemoryError", "bytearray(1 << 60)": "MemoryError", "raise KeyboardInterrupt": "KeyboardInterrupt",
		"globals()['f'] = lambda: f()\nf()": "RecursionError", "result = object()": "",
	} {
		_, err := run.Apply(t.Context(), pool, code)
		if failed, ok := errors.AsType[*procpool.TaskError](err); ok && failed.Type == name && strings.Contains(failed.Stack, "Traceback") {
			continue
		}
		if wrong, ok := errors.AsType[*procpool.EncodeError](err); name != "" || !ok || !wrong.Result {
			t.Errorf("%s: %v", code, err)
		}
	}
}

func TestStopping(t *testing.T) {
	pooltest.Check(t)
	pool := newPool(t, procpool.Config{Processes: 1, Grace: patient}, script(t, promises))
	var got any
	var err error
	for timeout := 500 * time.Millisecond; got != "in time" && timeout < patient; timeout *= 4 { // by which it must have come to where it expects it
		got, err = run.With(procpool.CallOptions{Timeout: timeout}).
			Apply(t.Context(), pool, "try: time.sleep(1000)\nexcept procpool.TimedOut: result = 'in time'")
	}
	if got != "in time" || err != nil {
		t.Errorf("what it returns within Grace: %v, %v", got, err)
	}
	soon := run.With(procpool.CallOptions{Timeout: 50 * time.Millisecond})
	if _, err := soon.Apply(t.Context(), pool, "while True: pass"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a loop: %v", err)
	}

	heard := newFifo(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r := run.ApplyAsync(ctx, pool, fmt.Sprintf("try:\n  %s\n  time.sleep(60)\nexcept procpool.Canceled: %s", heard.say("begun"), heard.say("told")))
	heard.hear("begun")
	cancel()
	heard.hear("told")
	if _, err := r.Get(t.Context()); err != context.Canceled {
		t.Errorf("canceled: %v", err)
	}
}

// What does not stop is ended after Grace.
func TestStoppingTheDeaf(t *testing.T) {
	pooltest.Check(t)
	pool := newPool(t, procpool.Config{Processes: 1, Grace: 300 * time.Millisecond}, script(t, promises))
	for _, code := range []string{
		"while True:\n try: time.sleep(1000)\n except BaseException: pass",
		"ctypes.PyDLL(None).sleep(1000)", // with the interpreter's lock
		"signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGURG, signal.SIGTERM])\ntime.sleep(1000)",
	} {
		var died *procpool.WorkerError
		var err error
		for timeout := 50 * time.Millisecond; died == nil && timeout < patient; timeout *= 4 { // by which it must have become deaf
			_, err = run.With(procpool.CallOptions{Timeout: timeout}).Apply(t.Context(), pool, code)
			errors.As(err, &died)
		}
		if died == nil || died.Cause != procpool.CauseTimedOut || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: %v", code, err)
		}
	}
}

// A long task holds back none of the short ones that were sent to the same worker, and some were: the windows are deep.
func TestLongAmongShort(t *testing.T) {
	pooltest.Check(t)
	pool := newPool(t, procpool.Config{Processes: 2}, script(t, promises))
	if _, err := run.Map(t.Context(), pool, make([]string, 3000)); err != nil {
		t.Fatal(err)
	}
	held := newFifo(t)
	ctx, done := context.WithTimeout(t.Context(), patient)
	defer done()
	var short []*procpool.AsyncResult[any]
	var long *procpool.AsyncResult[any]
	for i := range 400 {
		if i == 20 {
			long = run.ApplyAsync(ctx, pool, held.wait())
		}
		short = append(short, run.ApplyAsync(ctx, pool, ""))
	}
	for _, r := range short {
		if _, err := r.Get(ctx); err != nil {
			t.Fatal(err)
		}
	}
	if long.Ready() {
		t.Error("the long task is over")
	}
	held.release()
	if _, err := long.Get(ctx); err != nil {
		t.Error(err)
	}
}

// What tasks print is output, whole line by line, whatever becomes of the worker.
func TestOutput(t *testing.T) {
	pooltest.Check(t)
	var out, errs bytes.Buffer
	pool := newPool(t, procpool.Config{
		Processes: 1, Stdout: &out, Stderr: &errs,
		Initializer: procpool.DeclareInitializer[string]("greet").Bind("Bob"),
	}, script(t, promises))
	for _, code := range []string{
		"print('one')", "print('x' * 100_000)", "print('two', file=sys.stderr)", "subprocess.run(['echo', 'three'])",
		"print('four')\nos._exit(1)", "print('five')\nos.abort()", "print('six', end='')",
	} {
		run.Apply(t.Context(), pool, code)
	}
	pool.Close()
	if err := pool.Join(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := "hello Bob\none\n" + strings.Repeat("x", 100_000) + "\nthree\nfour\nhello Bob\nfive\nhello Bob\nsixgoodbye Bob\n"
	if got := strings.ReplaceAll(out.String(), "xx\nxx", "xxxx"); got != want { // a line over 64 KiB is split
		t.Errorf("printed %q, want %q", short(got), short(want))
	}
	if errs.String() != "two\n" {
		t.Errorf("stderr is %q", errs.String())
	}
}

func short(s string) string { return strings.ReplaceAll(s, strings.Repeat("x", 1000), "X") }

func TestInitializerFails(t *testing.T) {
	for name, init := range map[string]procpool.Initializer{
		"nobody is here":           procpool.DeclareInitializer[string]("greet").Bind("nobody"),
		"no initializer 'unknown'": procpool.DeclareInitializer[string]("unknown").Bind(""),
	} {
		pooltest.Check(t)
		pool := newPool(t, procpool.Config{Processes: 1, Initializer: init, Restart: procpool.Restart{MaxFailures: 1}}, script(t, promises))
		var failed *procpool.StartError
		if err := pool.WaitReady(t.Context()); !errors.As(err, &failed) || !strings.Contains(err.Error(), name) {
			t.Errorf("got %v, want %s", err, name)
		}
		pool.Terminate()
	}
}

type person struct {
	Name string
	Age  int
}

// A mismatch of types says which field.
func TestMismatch(t *testing.T) {
	pooltest.Check(t)
	pool := newPool(t, procpool.Config{Processes: 1}, script(t, promises))
	ask := procpool.Declare[string, person]("run")
	if got, err := ask.Apply(t.Context(), pool, "result = {'Name': 'Ann', 'Age': 7}"); got != (person{"Ann", 7}) || err != nil {
		t.Errorf("got %v, %v", got, err)
	}
	_, err := ask.Apply(t.Context(), pool, "result = {'Name': 'Ann', 'Age': 'seven'}")
	if wrong, ok := errors.AsType[*procpool.EncodeError](err); !ok || !wrong.Result || !strings.Contains(err.Error(), "person.Age of type int") {
		t.Errorf("got %v", err)
	}
	// An unknown task is an error before it is sent: the worker has run no more than the two.
	_, err = procpool.Declare[int, int]("none").Apply(t.Context(), pool, 1)
	if !errors.Is(err, procpool.ErrUnknownTask) || !strings.Contains(err.Error(), `"none"`) || pool.Workers()[0].Tasks != 2 {
		t.Errorf("got %v, %+v", err, pool.Workers())
	}
}
