//go:build linux || darwin

package procpool_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/procpool/procpool"
	"github.com/procpool/procpool/pooltest"
)

// The 16 cases of CPython's ExecutorDeadlockTest (test_concurrent_futures/test_deadlock.py), by name, and loky's crash
// cases (tests/_test_process_executor.py, TestsProcessPoolExecutorShutdown and crash_cases). There, a death breaks the
// executor and the test wants no more than that nothing hangs; here, the task fails with its cause, every other task
// gets its result, and the pool goes on.

// how is a value that misbehaves while it is encoded or decoded, in the pool's process or in the worker's.
type how struct{ Encode, Decode string }

// act does what it is told. In a worker, the harm ends the process.
func (how) act(what string) error {
	switch what {
	case "exit":
		os.Exit(1)
	case "crash":
		syscall.Kill(os.Getpid(), syscall.SIGSEGV)
		select {}
	case "kill":
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	case "error":
		return errors.New("on purpose")
	case "panic":
		panic("on purpose")
	}
	return nil
}

// MarshalCBOR misbehaves once, when it is encoded.
func (h how) MarshalCBOR() ([]byte, error) {
	if err := h.act(h.Encode); err != nil {
		return nil, err
	}
	return cbor.Marshal(h.Decode)
}

// UnmarshalCBOR misbehaves when it is decoded.
func (h *how) UnmarshalCBOR(b []byte) error {
	if err := cbor.Unmarshal(b, &h.Decode); err != nil {
		return err
	}
	return h.act(h.Decode)
}

var (
	execTake = procpool.Define("exec.take", func(_ context.Context, h how) (int, error) { return 1, nil })
	execGive = procpool.Define("exec.give", func(_ context.Context, what string) (how, error) { return how{Encode: what}, nil })
	execBack = procpool.Define("exec.back", func(_ context.Context, what string) (how, error) { return how{Decode: what}, nil })
	execDo   = procpool.Define("exec.do", func(_ context.Context, what string) (int, error) { return 1, how{}.act(what) })
	execBig  = procpool.Define("exec.big", func(_ context.Context, b []byte) ([]byte, error) {
		how{}.act("kill")
		return b, nil
	})
	execEcho  = procpool.Define("exec.echo", func(_ context.Context, b []byte) ([]byte, error) { return b, nil })
	execSleep = procpool.Define("exec.sleep", func(ctx context.Context, d time.Duration) (int, error) {
		select {
		case <-time.After(d):
			return os.Getpid(), nil
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	})
	execMurder = procpool.Define("exec.murder", func(_ context.Context, pids []int) (int, error) {
		for _, pid := range pids {
			if sibling(pid) {
				syscall.Kill(pid, syscall.SIGKILL)
			}
		}
		return 1, nil
	})
)

// sibling reports whether this process and the other one have the same parent, where that can be told. The numbers of the
// dead are given to strangers.
func sibling(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return runtime.GOOS != "linux"
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:])) // state, parent, ...
	return fields[1] == strconv.Itoa(os.Getppid())
}

// wantOf says what an error must be.
type wantOf func(error) error

func wantDeath(cause procpool.Cause) wantOf {
	return func(err error) error {
		if we, ok := errors.AsType[*procpool.WorkerError](err); !ok || we.Cause != cause {
			return fmt.Errorf("%T %v, want a WorkerError, %v", err, err, cause)
		}
		return nil
	}
}

func wantEncode(result bool) wantOf {
	return func(err error) error {
		if ee, ok := errors.AsType[*procpool.EncodeError](err); !ok || ee.Result != result || !strings.Contains(err.Error(), "on purpose") {
			return fmt.Errorf("%T %v, want an EncodeError", err, err)
		}
		return nil
	}
}

func wantPanic(err error) error {
	if te, ok := errors.AsType[*procpool.TaskError](err); !ok || !te.Panic {
		return fmt.Errorf("%T %v, want a TaskError of a panic", err, err)
	}
	return nil
}

func wantFailure(err error) error {
	if te, ok := errors.AsType[*procpool.TaskError](err); !ok || te.Panic || te.Message != "on purpose" {
		return fmt.Errorf("%T %v, want a TaskError", err, err)
	}
	return nil
}

// execCase is a task that goes wrong.
type execCase struct {
	name string
	run  func(context.Context, procpool.Executor) error
	want wantOf
}

// crashCases are CPython's, and then loky's that differ.
var crashCases = []execCase{
	{"test_error_at_task_pickle", taking(how{Encode: "error"}), wantEncode(false)},
	{"test_exit_at_task_unpickle", taking(how{Decode: "exit"}), wantDeath(procpool.CauseExited)},
	{"test_error_at_task_unpickle", taking(how{Decode: "error"}), wantEncode(false)},
	{"test_crash_at_task_unpickle", taking(how{Decode: "crash"}), wantDeath(procpool.CauseCrashed)},
	{"test_crash_during_func_exec_on_worker", doing("crash"), wantDeath(procpool.CauseCrashed)},
	{"test_exit_during_func_exec_on_worker", doing("exit"), wantDeath(procpool.CauseExited)},
	{"test_error_during_func_exec_on_worker", doing("error"), wantFailure},
	{"test_crash_during_result_pickle_on_worker", giving("crash"), wantDeath(procpool.CauseCrashed)},
	{"test_exit_during_result_pickle_on_worker", giving("exit"), wantDeath(procpool.CauseExited)},
	{"test_error_during_result_pickle_on_worker", giving("error"), wantEncode(true)},
	{"test_error_during_result_unpickle_in_result_handler", backing("error"), wantEncode(true)},

	{"loky_kill_at_task_unpickle", taking(how{Decode: "kill"}), wantDeath(procpool.CauseKilledOutside)},
	{"loky_kill_during_func_exec", doing("kill"), wantDeath(procpool.CauseKilledOutside)},
	{"loky_kill_at_result_pickle", giving("kill"), wantDeath(procpool.CauseKilledOutside)},
	{"loky_raise_at_task_unpickle", taking(how{Decode: "panic"}), wantEncode(false)},
	{"loky_raise_during_func_exec", doing("panic"), wantPanic},
	{"loky_raise_at_result_pickle", giving("panic"), wantEncode(true)},
}

func taking(h how) func(context.Context, procpool.Executor) error {
	return func(ctx context.Context, ex procpool.Executor) error {
		_, err := execTake.Apply(ctx, ex, h)
		return err
	}
}

func doing(what string) func(context.Context, procpool.Executor) error {
	return func(ctx context.Context, ex procpool.Executor) error {
		_, err := execDo.Apply(ctx, ex, what)
		return err
	}
}

func giving(what string) func(context.Context, procpool.Executor) error {
	return func(ctx context.Context, ex procpool.Executor) error {
		_, err := execGive.Apply(ctx, ex, what)
		return err
	}
}

func backing(what string) func(context.Context, procpool.Executor) error {
	return func(ctx context.Context, ex procpool.Executor) error {
		_, err := execBack.Apply(ctx, ex, what)
		return err
	}
}

// TestExecutorDeadlock runs each case directly, and in a callback while others run.
func TestExecutorDeadlock(t *testing.T) {
	pooltest.Check(t)
	for _, c := range crashCases {
		t.Run(c.name, func(t *testing.T) {
			ctx := crashContext(t)
			pool := crashPool(t, procpool.Config{Processes: 2})
			others := crashOther.MapAsync(ctx, pool, crashInputs(100))
			if err := c.want(c.run(ctx, pool)); err != nil {
				t.Error(err)
			}
			within := make(chan error, 1)
			crashOther.ApplyAsync(ctx, pool, 1).OnSuccess(func(int) { within <- c.run(ctx, pool) })
			if err := c.want(<-within); err != nil {
				t.Errorf("in a callback: %v", err)
			}
			for _, err := range []error{crashDoubled(others.Get(ctx)), crashDoubled(crashOther.Map(ctx, pool, crashInputs(10)))} {
				if err != nil {
					t.Error(err)
				}
			}
			if err := pool.Shutdown(ctx); err != nil {
				t.Error(err)
			}
		})
	}
}

// CPython: test_exit_during_result_unpickle_in_result_handler. There the result handler meets sys.exit; here, where an exit
// would be the program's own, decoding panics, in the goroutine that decodes.
func TestExecutorPanicDuringResultDecode(t *testing.T) {
	pooltest.Check(t)
	ctx := crashContext(t)
	pool := crashPool(t, procpool.Config{Processes: 2})
	others := crashOther.MapAsync(ctx, pool, crashInputs(100))
	if err := execPanics(func() error { return backing("panic")(ctx, pool) }); err == nil {
		t.Error("no error")
	}
	if err := crashDoubled(others.Get(ctx)); err != nil {
		t.Error(err)
	}
	if err := crashDoubled(crashOther.Map(ctx, pool, crashInputs(10))); err != nil {
		t.Error(err)
	}
}

// execPanics makes an error of a panic.
func execPanics(f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v", v)
		}
	}()
	return f()
}

// CPython: test_shutdown_deadlock. A worker dies while the pool shuts down.
func TestExecutorShutdownDeadlock(t *testing.T) {
	pooltest.Check(t)
	ctx := crashContext(t)
	pool := crashPool(t, procpool.Config{Processes: 2})
	if err := crashDoubled(crashOther.Map(ctx, pool, crashInputs(10))); err != nil {
		t.Fatal(err)
	}
	r := execDo.ApplyAsync(ctx, pool, "crash")
	if err := pool.Shutdown(ctx); err != nil {
		t.Error(err)
	}
	_, err := r.Get(ctx)
	if err := wantDeath(procpool.CauseCrashed)(err); err != nil {
		t.Error(err)
	}
}

// CPython: test_shutdown_deadlock_pickle. An argument that cannot be encoded, then a shutdown.
func TestExecutorShutdownDeadlockPickle(t *testing.T) {
	pooltest.Check(t)
	ctx := crashContext(t)
	pool := crashPool(t, procpool.Config{Processes: 2})
	r := execTake.ApplyAsync(ctx, pool, how{Encode: "error"})
	if err := pool.Shutdown(ctx); err != nil {
		t.Error(err)
	}
	_, err := r.Get(ctx)
	if err := wantEncode(false)(err); err != nil {
		t.Error(err)
	}
}

// CPython: test_crash_big_data. Workers die while pipes are full of arguments; loky has the same with a full queue.
func TestExecutorCrashBigData(t *testing.T) {
	pooltest.Check(t)
	for _, m := range []procpool.StartMethod{procpool.Spawn(), procpool.Command("/proc/self/exe")} {
		ctx := crashContext(t)
		pool := crashPool(t, procpool.Config{Processes: 2, StartMethod: m})
		data := make([]byte, 4<<20)
		echoed := execEcho.MapAsync(ctx, pool, [][]byte{data, data, data, data})
		crashed := execBig.MapAsync(ctx, pool, [][]byte{data, data, data, data})
		out, err := echoed.Get(ctx)
		if err != nil {
			t.Error(err)
		}
		for _, b := range out {
			if !bytes.Equal(b, data) {
				t.Error("echo differs")
			}
		}
		_, err = crashed.Get(ctx)
		if me, ok := errors.AsType[*procpool.MapError](err); !ok || len(me.Items) != 4 || !isKilled(me.Items[3]) {
			t.Errorf("%v, want four deaths", err)
		}
		pool.Terminate()
	}
}

// CPython: test_gh105829_should_not_deadlock_if_wakeup_pipe_full. Nobody who submits waits for anything that wakes others.
func TestExecutorManySubmitters(t *testing.T) {
	pooltest.Check(t)
	ctx := crashContext(t)
	pool := crashPool(t, procpool.Config{Processes: 1})
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			rs := make([]*procpool.AsyncResult[int], 5000)
			for i := range rs {
				rs[i] = crashOther.ApplyAsync(ctx, pool, i)
			}
			for i, r := range rs {
				if v, err := r.Get(ctx); v != 2*i || err != nil {
					t.Errorf("%d: %v, %v", i, v, err)
					return
				}
			}
		})
	}
	group.Wait()
}

// loky: test_crash_races. Workers kill one another, themselves included, while all are busy.
func TestExecutorCrashRaces(t *testing.T) {
	pooltest.Check(t)
	for _, n := range []int{1, 2, 5, 13} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			ctx := crashContext(t)
			pool := crashPool(t, procpool.Config{Processes: n})
			if err := pool.WaitReady(ctx); err != nil {
				t.Fatal(err)
			}
			var pids []int
			for _, w := range pool.Workers() {
				pids = append(pids, w.PID)
			}
			murders := make([][]int, n)
			for i := range murders {
				murders[i] = pids
			}
			r := execMurder.MapAsync(ctx, pool, murders)
			_, err := r.Get(ctx)
			if me, ok := errors.AsType[*procpool.MapError](err); ok {
				for _, it := range me.Items {
					if !isKilled(it) {
						t.Errorf("item %d: %v, want a kill from outside", it.Index, it)
					}
				}
			} else if err != nil {
				t.Error(err)
			}
			if err := crashDoubled(crashOther.Map(ctx, pool, crashInputs(100))); err != nil {
				t.Error(err)
			}
			if err := pool.Shutdown(ctx); err != nil {
				t.Error(err)
			}
		})
	}
}

// CPython: gh-94777. Idle workers are killed; the pool replaces them and fails nothing.
func TestExecutorIdleWorkersKilled(t *testing.T) {
	pooltest.Check(t)
	ctx := crashContext(t)
	pool := crashPool(t, procpool.Config{Processes: 3, Restart: procpool.Restart{Backoff: time.Millisecond}})
	for range 5 {
		if err := crashDoubled(crashOther.Map(ctx, pool, crashInputs(30))); err != nil {
			t.Fatal(err)
		}
		for _, w := range pool.Workers() {
			if w.PID != 0 { // 0, not spawned yet, would mean this process and its whole group
				syscall.Kill(w.PID, syscall.SIGKILL)
			}
		}
	}
	if s := pool.Stats(); s.Failing != nil {
		t.Errorf("the circuit is open: %v", s.Failing)
	}
	if v, err := execSleep.Apply(ctx, pool, time.Millisecond); v == 0 || err != nil {
		t.Errorf("%v, %v", v, err)
	}
}
