//go:build unix

package procpool_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
	"weak"

	"github.com/procpool/procpool"
	"github.com/procpool/procpool/event"
)

// What users of Python's Pool know (P) and what is different on purpose (D), row by row of the comparison with it. Where a
// row and the contract differ, the contract is proved, and a comment says so.

func TestP01_DefaultProcesses(t *testing.T) {
	c := newContract(t)
	p := c.pool(procpool.Config{})
	if n := p.Stats().Processes; n != runtime.GOMAXPROCS(0) {
		t.Errorf("%d processes, want %d", n, runtime.GOMAXPROCS(0))
	}
	c.shut(p)
	_, err := procpool.New(procpool.Config{Processes: -1}) // 0 is the default here, an error there
	c.says(err, "Processes")
}

func TestP02_MaxTasksPerChildChecked(t *testing.T) {
	_, err := procpool.New(procpool.Config{MaxTasksPerChild: -1}) // other types do not compile; 0 is Python's None
	(&contract{T: t}).says(err, "MaxTasksPerChild is -1", "use 0")
}

// What is no function does not compile; one that the worker does not have is told when workers start.
func TestP03_InitializerMustBeCallable(t *testing.T) { TestInitializerUnknown(t) }

func TestP04_FirstStartsFail(t *testing.T) { TestFirstStartsFailHalfWay(t) }

func TestP05_InitializerInEachWorker(t *testing.T) { TestInitializerAndCleanup(t) }

// Python counts chunks; here one item is one task.
func TestP06_ItemsAreCounted(t *testing.T) {
	c := newContract(t)
	p := c.pool(procpool.Config{Processes: 2, MaxTasksPerChild: 2})
	ws, err := ctWho.Map(c.ctx, p, make([]int, 8))
	c.must(err)
	for it := range ctWho.IMapUnordered(c.ctx, p, upTo(8)) {
		c.must(it.Err)
		ws = append(ws, it.Value)
	}
	perWorker := map[string]int{}
	for _, w := range ws {
		perWorker[w.Name]++
	}
	for name, n := range perWorker {
		if n > 2 {
			t.Errorf("%s ran %d items", name, n)
		}
	}
	if len(perWorker) < 8 {
		t.Errorf("16 items ran in %d workers", len(perWorker))
	}
	c.shut(p)
}

func TestP07_FailuresCount(t *testing.T) { TestFailuresCount(t) }

func TestP08_SizeReturns(t *testing.T) {
	c := newContract(t)
	p := c.pool(procpool.Config{Processes: 3, MaxTasksPerChild: 1})
	_, err := ctInc.Map(c.ctx, p, numbers(10))
	c.must(err)
	c.must(p.WaitReady(c.ctx))
	if s := p.Stats(); s.Ready < 3 || s.Processes != 3 {
		t.Errorf("%+v", s)
	}
	c.shut(p)
}

func TestP09_RecyclingGoesOnAfterClose(t *testing.T) {
	c := newContract(t)
	p := c.pool(procpool.Config{Processes: 2, MaxTasksPerChild: 1})
	var rs []*procpool.AsyncResult[int]
	for i := range 6 {
		rs = append(rs, ctInc.ApplyAsync(c.ctx, p, i))
	}
	p.Close()
	c.must(p.Join(c.ctx))
	for i, r := range rs {
		if v, err := r.Get(c.ctx); v != i+1 || err != nil {
			t.Error(v, err)
		}
	}
	if s := p.Stats(); s.Started != 6 {
		t.Errorf("%d workers were started for 6 tasks of one each", s.Started)
	}
}

func TestP10_Names(t *testing.T) { TestWorkerNames(t) }

func TestP12_ApplyAndTraceback(t *testing.T) {
	c := newContract(t)
	p := c.pool(procpool.Config{Processes: 1})
	_, err := ctPanic.Apply(c.ctx, p, "boom")
	if e := errorAs[*procpool.TaskError](c, err); !strings.Contains(e.Stack, "contract_help_test.go") {
		t.Errorf("stack %s", e.Stack)
	}
	c.shut(p)
}

// There is no Successful that panics: it is false until the result is ready.
func TestP13_AsyncResult(t *testing.T) { TestResultGet(t) }

// Callbacks run after the result is ready, not before.
func TestP14_Callbacks(t *testing.T) { TestCallbackKinds(t) }

func TestP15_MapKeepsOrder(t *testing.T) {
	c := newContract(t)
	p := c.pool(procpool.Config{Processes: 3})
	out, err := ctInc.Map(c.ctx, p, numbers(5000))
	c.must(err)
	for i, v := range out {
		if v != i+1 {
			t.Fatal(i, v)
		}
	}
	c.shut(p)
}

// Every item runs; here the successes are returned too.
func TestP16_MapDoesNotFailFast(t *testing.T) {
	c := newContract(t)
	p := c.pool(procpool.Config{Processes: 1})
	r := ctOdd.MapAsync(c.ctx, p, []int{1, 2, 3, 4})
	told := make(chan error, 4)
	r.OnError(func(err error) { told <- err })
	out, err := r.Get(c.ctx)
	if m := errorAs[*procpool.MapError](c, err); len(m.Items) != 2 || out[1] != 20 || out[3] != 40 {
		t.Error(out, err)
	}
	c.shut(p)
	if len(told) != 1 {
		t.Errorf("the callback ran %d times", len(told))
	}
}

func TestP17_Empty(t *testing.T) {
	TestMapEmpty(t)
	c := newContract(t)
	p := c.pool(procpool.Config{Processes: 1})
	for v, err := range ctInc.IMap(c.ctx, p, upTo(0)) {
		t.Error(v, err)
	}
	for it := range ctInc.IMapUnordered(c.ctx, p, upTo(0)) {
		t.Error(it)
	}
	c.shut(p)
}

func TestP18_IMap(t *testing.T) {
	TestIMapItemFails(t)
	TestIMapUnorderedOrder(t)
}

// Python makes it the next item's error; here a panic of the input reaches the consumer.
func TestP19_InputFails(t *testing.T) { TestIMapInputPanics(t) }

func TestP20_ArgumentNotEncodable(t *testing.T) { TestMapItemNotEncodable(t) }

func TestP21_ResultNotEncodable(t *testing.T) {
	c := newContract(t)
	p := c.pool(procpool.Config{Processes: 1})
	for range 20 {
		_, err := ctChan.Apply(c.ctx, p, 1)
		if e := errorAs[*procpool.EncodeError](c, err); !e.Result || !strings.Contains(e.Error(), "chan") {
			t.Error(e)
		}
	}
	c.usable(p)
	c.shut(p)
	if s := p.Stats(); s.Started != 1 {
		t.Errorf("the worker did not survive: %+v", s)
	}
}

var ctChan = procpool.Define("contract.chan", func(context.Context, int) (any, error) { return make(chan int), nil })

func TestP22_StateMachine(t *testing.T) { TestPoolLife(t) }

func TestP23_TerminateIsQuick(t *testing.T) {
	c := newContract(t)
	p := c.ready(procpool.Config{Processes: 2})
	r := ctNap.MapAsync(c.ctx, p, slices.Repeat([]time.Duration{100 * time.Millisecond}, 10000))
	from := time.Now()
	p.Terminate()
	if d := time.Since(from); d > 10*time.Second {
		t.Errorf("it took %v", d)
	}
	if _, err := r.Get(c.ctx); err != procpool.ErrTerminated {
		t.Error(err)
	}
}

// defer Terminate is always right, but the normal end is Close and Join (D1).
func TestP24_DeferTerminate(t *testing.T) {
	c := newContract(t)
	var p *procpool.Pool
	func() {
		p = c.pool(procpool.Config{Processes: 1})
		defer p.Terminate()
		c.usable(p)
	}()
	if _, err := ctInc.Apply(c.ctx, p, 1); err != procpool.ErrTerminated {
		t.Error(err)
	}
	func() {
		p = c.pool(procpool.Config{Processes: 1})
		defer p.Terminate()
		c.shut(p)
	}()
}

func TestP25_NothingIsHeld(t *testing.T)          { nothingIsHeld(t, ctLen) }
func TestP25_NothingIsHeldByTheDead(t *testing.T) { nothingIsHeld(t, ctLethal) }

func nothingIsHeld(t *testing.T, task procpool.Task[[]byte, int]) {
	c := newContract(t)
	p := c.pool(procpool.Config{Processes: 1})
	submit := func() (weak.Pointer[[1 << 16]byte], weak.Pointer[procpool.AsyncResult[int]]) {
		data := new([1 << 16]byte)
		r := task.ApplyAsync(c.ctx, p, data[:])
		c.must(r.Wait(c.ctx))
		return weak.Make(data), weak.Make(r)
	}
	data, result := submit()
	c.usable(p)
	for i := 0; i < 20 && (data.Value() != nil || result.Value() != nil); i++ {
		runtime.GC()
	}
	if data.Value() != nil || result.Value() != nil {
		t.Errorf("held: argument %v, result %v", data.Value() != nil, result.Value() != nil)
	}
	c.shut(p)
}

var ctLethal = procpool.Define("contract.lethal", func(context.Context, []byte) (int, error) {
	syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
})

var ctLen = procpool.Define("contract.len", func(_ context.Context, b []byte) (int, error) { return len(b), nil })

// Go has no warning for what is forgotten: pooltest.Check finds a pool that was not ended, and nothing of it outlives its
// program.
func TestP26_ForgottenPool(t *testing.T) {
	c := newContract(t)
	g := c.gate()
	cmd := c.program("forget", g.ln.Addr().String())
	c.must(cmd.Start())
	v := g.await()
	c.must(cmd.Wait())
	v.gone()
}

func init() {
	programs["forget"] = func(args []string) {
		p, _ := procpool.New(procpool.Config{Processes: 1})
		ctLitter.Apply(context.Background(), p, gateIn{Addr: args[0], Label: "forgotten"})
	}
}

// Workers are no daemons: they may have pools of their own. They end with their parent all the same.
func TestP11_WorkersEndWithTheirParent(t *testing.T) { TestP26_ForgottenPool(t) }

func TestP27_TwoHundredWorkers(t *testing.T) {
	c := newContract(t)
	c.long() // so many starts are real work
	var files syscall.Rlimit
	c.must(syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files))
	many := min(200, int(files.Cur/20)) // a worker takes six or seven, and more while it starts
	p := c.pool(procpool.Config{Processes: many})
	out, err := ctInc.Map(c.ctx, p, numbers(1000))
	if err != nil || out[999] != 1000 {
		t.Error(err)
	}
	if n := len(p.Workers()); n != many {
		t.Errorf("%d workers, want %d", n, many)
	}
	c.shut(p)
}

func TestP28_EOF(t *testing.T) {
	c := newContract(t)
	g := c.gate()
	cmd := c.program("busy28", g.ln.Addr().String())
	in, err := cmd.StdinPipe()
	c.must(err)
	c.must(cmd.Start())
	a := g.await()
	c.must(cmd.Process.Kill())
	cmd.Wait()
	a.gone()
	in.Close()
}

func init() {
	programs["busy28"] = func(args []string) {
		p, _ := procpool.New(procpool.Config{Processes: 1})
		ctGate.ApplyAsync(context.Background(), p, gateIn{Addr: args[0], Label: "running", Deaf: true})
		io.Copy(io.Discard, os.Stdin)
	}
}

func TestD01_CloseAndJoinLoseNothing(t *testing.T) { TestP09_RecyclingGoesOnAfterClose(t) }
func TestD02_ItemsNotChunks(t *testing.T)          { TestP06_ItemsAreCounted(t) }
func TestD03_IMapIsBounded(t *testing.T)           { TestIMapWindowWhileBodyWorks(t) }

// One iterator, whatever the size of batches, and an error costs its item only.
func TestD04_BatchesDoNotShow(t *testing.T) {
	c := newContract(t)
	p := c.pool(procpool.Config{Processes: 2})
	c.warm(p)
	in := slices.Repeat([]int{0, 1}, 500)
	n := 0
	for v, err := range ctOdd.IMap(c.ctx, p, slices.Values(in)) {
		if (err != nil) != (n%2 == 1) || v != 0 {
			t.Fatal(n, v, err)
		}
		n++
	}
	if n != len(in) {
		t.Errorf("%d of %d items", n, len(in))
	}
	c.shut(p)
}

// There is no chunk size that could depend on how many workers live just now.
func TestD05_MapWhileRecycling(t *testing.T) {
	c := newContract(t)
	p := c.pool(procpool.Config{Processes: 1, MaxTasksPerChild: 1, Spares: -1})
	out, err := ctInc.Map(c.ctx, p, numbers(10))
	if err != nil || out[9] != 10 {
		t.Error(err)
	}
	c.shut(p)
}

func TestD06_MapKeepsSuccesses(t *testing.T)       { TestMapReturnsSuccessesAndErrors(t) }
func TestD07_EmptyMapCallsBack(t *testing.T)       { TestMapEmpty(t) }
func TestD08_BadOptionsAreErrors(t *testing.T)     { TestBadCallOptions(t) }
func TestD09_ContextCancels(t *testing.T)          { TestCancelRunning(t) }
func TestD10_CallbackPanic(t *testing.T)           { TestCallbackPanicOnStderr(t) }
func TestD11_JoinAndTerminateEnd(t *testing.T)     { TestTerminate(t); TestShutdownGivesUp(t) }
func TestD12_SuccessorFirst(t *testing.T)          { TestSuccessorIsReadyBefore(t) }
func TestD14_NotStartedRunsElsewhere(t *testing.T) { TestDeathCostsOneTask(t) }

// A worker that is killed while it sends a large result wedges nobody.
func TestD13_NoSharedChannel(t *testing.T) {
	c := newContract(t)
	j := newJournal()
	p := c.ready(procpool.Config{Processes: 2, OnEvent: j.add})
	for range 3 {
		r := ctEcho.ApplyAsync(c.ctx, p, make([]byte, 32<<20))
		started := await(c, j, 1, func(e event.TaskStarted) bool { return e.Task.ID == r.ID() })
		syscall.Kill(started[0].Worker.PID, syscall.SIGKILL)
		if _, err := r.Get(c.ctx); err != nil {
			errorAs[*procpool.WorkerError](c, err)
		}
		c.usable(p)
	}
	c.shut(p)
}

// A worker is a new process of the same program: it has what package initialisers make, and nothing that came later.
func TestD15_NothingIsForked(t *testing.T) {
	c := newContract(t)
	state = "changed in the parent"
	defer func() { state = initial }()
	p := c.pool(procpool.Config{Processes: 1})
	if s, err := ctState.Apply(c.ctx, p, 0); s != initial || err != nil {
		t.Error(s, err)
	}
	c.shut(p)
}

var initial = fmt.Sprint("made by ", "an initialiser")

var (
	state   = initial
	ctState = procpool.Define("contract.state", readState)
)

func readState(context.Context, int) (string, error) { return state, nil }
