//go:build unix

package procpool_test

import (
	"fmt"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/procpool/procpool"
)

// TestCPython are the pool tests of CPython's test_multiprocessing, by name: what each of them proves, said with this API.
//
// Three lose a part of their meaning here. test_map_chunksize: there is no chunk size. test_pool_initializer's "initializer
// must be callable" and test_pool_maxtasksperchild_invalid's 0.5 and "12" do not compile. test_resource_warning: Go has no
// such warning; the leak check finds the pool, and what it started ends with the program.
func TestCPython(t *testing.T) {
	for _, x := range []struct {
		name string
		test func(*testing.T)
	}{
		{"test_apply", cpythonApply},
		{"test_map", TestP15_MapKeepsOrder},
		{"test_starmap", TestDefineSeveralArguments},
		{"test_starmap_async", cpythonStarmapAsync},
		{"test_map_async", cpythonMapAsync},
		{"test_map_async_callbacks", cpythonMapAsyncCallbacks},
		{"test_map_unplicklable", TestMapItemNotEncodable},
		{"test_map_chunksize", TestMapEmpty},
		{"test_map_handle_iterable_exception", TestIMapInputPanics}, // Map takes a slice; an iterable is IMap's
		{"test_async", cpythonAsync},
		{"test_async_timeout", TestResultGet},
		{"test_imap", TestIMapStartsWhenRanged},
		{"test_imap_handle_iterable_exception", TestIMapInputPanics},
		{"test_imap_unordered", TestIMapUnorderedOrder},
		{"test_imap_unordered_handle_iterable_exception", TestIMapInputPanics},
		{"test_make_pool", TestP01_DefaultProcesses},
		{"test_terminate", TestP23_TerminateIsQuick},
		{"test_empty_iterable", TestP17_Empty},
		{"test_context", TestP24_DeferTerminate},
		{"test_traceback", TestP12_ApplyAndTraceback},
		{"test_wrapped_exception", TestErrorsIsAcrossTheBorder},
		{"test_map_no_failfast", cpythonMapNoFailfast},
		{"test_release_task_refs", TestP25_NothingIsHeld},
		{"test_enter", TestPoolLife},
		{"test_resource_warning", TestP26_ForgottenPool},
		{"test_async_error_callback", cpythonAsyncErrorCallback},
		{"test_unpickleable_result", TestP21_ResultNotEncodable},
		{"test_pool_worker_lifetime", cpythonWorkerLifetime},
		{"test_pool_worker_lifetime_early_close", TestP09_RecyclingGoesOnAfterClose},
		{"test_pool_maxtasksperchild_invalid", TestP02_MaxTasksPerChildChecked},
		{"test_worker_finalization_via_atexit_handler_of_multiprocessing", TestP26_ForgottenPool},
		{"test_pool_initializer", TestInitializerAndCleanup},
		{"test_release_unused_processes", TestFirstStartsFailHalfWay},
		{"test_large_pool", cpythonLargePool},
	} {
		t.Run(x.name, x.test)
	}
}

func cpythonApply(t *testing.T) {
	c := newContract(t)
	p := c.pool(procpool.Config{Processes: 4})
	for i := range 10 {
		if v, err := ctInc.Apply(c.ctx, p, i); v != i+1 || err != nil {
			t.Error(v, err)
		}
	}
	c.shut(p)
}

func cpythonStarmapAsync(t *testing.T) {
	c := newContract(t)
	p := c.pool(procpool.Config{Processes: 4})
	var in []procpool.Args2[int, int]
	for i := range 100 {
		in = append(in, procpool.Two(i, 100-i))
	}
	out, err := ctAdd.MapAsync(c.ctx, p, in).Get(c.ctx)
	if err != nil || !slices.Equal(out, slices.Repeat([]int{100}, 100)) {
		t.Error(out, err)
	}
	c.shut(p)
}

func cpythonMapAsync(t *testing.T) {
	c := newContract(t)
	p := c.pool(procpool.Config{Processes: 4})
	r := ctInc.MapAsync(c.ctx, p, numbers(10))
	if out, err := r.Get(c.ctx); err != nil || !slices.Equal(out, []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}) {
		t.Error(out, err)
	}
	c.shut(p)
}

func cpythonMapAsyncCallbacks(t *testing.T) {
	c := newContract(t)
	p := c.pool(procpool.Config{Processes: 1})
	told := make(chan string, 9)
	both := func(r *procpool.AsyncResult[[]int]) {
		r.OnSuccess(func(v []int) { told <- fmt.Sprint(v) }).OnError(func(error) { told <- "error" })
	}
	both(ctOdd.MapAsync(c.ctx, p, []int{2}))
	both(ctOdd.MapAsync(c.ctx, p, []int{1}))
	both(ctOdd.MapAsync(c.ctx, p, numbers(10)))
	c.shut(p)
	close(told)
	var got []string
	for s := range told {
		got = append(got, s)
	}
	if !slices.Equal(got, []string{"[20]", "error", "error"}) {
		t.Error(got)
	}
}

func cpythonAsync(t *testing.T) {
	c := newContract(t)
	g := c.gate()
	p := c.pool(procpool.Config{Processes: 4})
	r := ctGate.ApplyAsync(c.ctx, p, g.in("7")) // it does not wait
	g.await().pass()
	if v, err := r.Get(c.ctx); v != "7" || err != nil {
		t.Error(v, err)
	}
	c.shut(p)
}

// A failure at the start does not keep the items after it from running.
func cpythonMapNoFailfast(t *testing.T) {
	c := newContract(t)
	g := c.gate()
	p := c.pool(procpool.Config{Processes: 2})
	r := ctGateOrFail.MapAsync(c.ctx, p, []gateIn{{}, g.in("late")})
	v := g.await()
	if r.Ready() {
		t.Error("the first failure ended the map")
	}
	v.pass()
	out, err := r.Get(c.ctx)
	if m := errorAs[*procpool.MapError](c, err); len(m.Items) != 1 || out[1] != "late" {
		t.Error(out, err)
	}
	c.shut(p)
}

func cpythonAsyncErrorCallback(t *testing.T) {
	c := newContract(t)
	p := c.pool(procpool.Config{Processes: 2})
	told := make(chan error, 1)
	r := ctFail.ApplyAsync(c.ctx, p, "bad").OnError(func(err error) { told <- err })
	_, err := r.Get(c.ctx)
	if got := <-told; got != err {
		t.Errorf("callback got %v, Get %v", got, err)
	}
	c.shut(p)
}

func cpythonWorkerLifetime(t *testing.T) {
	c := newContract(t)
	p := c.ready(procpool.Config{Processes: 3, MaxTasksPerChild: 10})
	before := p.Workers()
	var rs []*procpool.AsyncResult[int]
	for i := range 100 {
		rs = append(rs, ctInc.ApplyAsync(c.ctx, p, i))
	}
	for i, r := range rs {
		if v, err := r.Get(c.ctx); v != i+1 || err != nil {
			t.Error(v, err)
		}
	}
	c.must(p.WaitReady(c.ctx))
	for _, w := range p.Workers() {
		if slices.ContainsFunc(before, func(b procpool.WorkerInfo) bool { return b.PID == w.PID }) && w.Tasks > 10 {
			t.Errorf("%+v", w)
		}
	}
	c.shut(p)
	// What was taken back from a slow worker ran elsewhere, so some may have left below the limit at the end.
	if s := p.Stats(); s.Started < 10 || s.Exits[procpool.ReasonTaskLimit] < 5 {
		t.Errorf("%+v", s)
	}
}

func cpythonLargePool(t *testing.T) {
	if testing.Short() {
		t.Skip("TestP27_TwoHundredWorkers is the same")
	}
	TestP27_TwoHundredWorkers(t)
}

// What hangs or lies in CPython's pool resolves here, within the context of newContract.

func TestHang_WorkerKilled(t *testing.T) {
	hang(t, func(c *contract, p *procpool.Pool) {
		_, err := ctSignal.ApplyAsync(c.ctx, p, int(syscall.SIGKILL)).Get(c.ctx)
		if e := errorAs[*procpool.WorkerError](c, err); e.Cause != procpool.CauseKilledOutside {
			t.Error(e)
		}
	})
}

func TestHang_SystemExit(t *testing.T) {
	hang(t, func(c *contract, p *procpool.Pool) {
		_, err := ctExit.ApplyAsync(c.ctx, p, 1).Get(c.ctx)
		if e := errorAs[*procpool.WorkerError](c, err); e.Cause != procpool.CauseExited || e.ExitCode != 1 {
			t.Error(e)
		}
	})
}

func TestHang_ArgumentFailsToDecode(t *testing.T) {
	hang(t, func(c *contract, p *procpool.Pool) {
		_, err := procpool.Declare[string, int]("contract.inc").ApplyAsync(c.ctx, p, "x").Get(c.ctx)
		errorAs[*procpool.EncodeError](c, err)
	})
}

func TestHang_CallbackRaises(t *testing.T) {
	hang(t, func(c *contract, p *procpool.Pool) {
		r := ctInc.ApplyAsync(c.ctx, p, 1).OnSuccess(func(int) { panic("callback") })
		if v, err := r.Get(c.ctx); v != 2 || err != nil {
			t.Error(v, err)
		}
	})
}

// There a sized iterable that fails half-way; here an input that panics half-way.
func TestHang_InputFailsHalfWay(t *testing.T) {
	hang(t, func(c *contract, p *procpool.Pool) {
		defer func() {
			if v := recover(); v != "half-way" {
				t.Error(v)
			}
		}()
		for _, err := range ctInc.IMap(c.ctx, p, func(yield func(int) bool) { yield(1); yield(2); panic("half-way") }) {
			c.must(err)
		}
	})
}

func TestHang_TerminateIgnoredSIGTERM(t *testing.T) { TestTerminate(t) }
func TestHang_InitializerRaises(t *testing.T)       { TestInitializerFails(t) }

func TestHang_GetAfterTerminate(t *testing.T) {
	c := newContract(t)
	p := c.ready(procpool.Config{Processes: 1})
	r := ctNap.ApplyAsync(c.ctx, p, time.Hour)
	p.Terminate()
	c.must(p.Join(c.ctx))
	if _, err := r.Get(c.ctx); err != procpool.ErrTerminated {
		t.Error(err)
	}
}

func TestLie_ChunksizeZero(t *testing.T)    { TestBadCallOptions(t) } // there is none; options that exist are checked
func TestLie_EmptyMapCallback(t *testing.T) { TestMapEmpty(t) }

// ProcessPoolExecutor: one death breaks all that wait, for ever.
func TestHang_OneDeathBreaksAll(t *testing.T) { TestDeathCostsOneTask(t) }

// pebble: the death of an idle worker breaks the pool.
func TestHang_IdleWorkerKilled(t *testing.T) { TestIdleWorkersKilled(t) }

// hang runs one case and checks that the pool goes on after it, and ends.
func hang(t *testing.T, run func(*contract, *procpool.Pool)) {
	t.Helper()
	c := newContract(t)
	p := c.pool(procpool.Config{Processes: 1, Stderr: new(output)})
	run(c, p)
	c.usable(p)
	c.shut(p)
}
