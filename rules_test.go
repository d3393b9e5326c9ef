package procpool_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/procpool/procpool"
	"github.com/procpool/procpool/pooltest"
)

// The rules about order and time, as one suite: in fake time over the in-memory transport, where they hold to the
// nanosecond, and over real processes, where time is short and only its lower bounds can be held.
var rules = []struct {
	name  string
	prove func(r *rule)
}{
	{"a soft timeout ends the context", (*rule).softTimeout},
	{"a hard timeout ends the worker after Grace", (*rule).hardTimeout},
	{"no Grace is no wait", (*rule).noGrace},
	{"the end of the caller's context resolves at once, and the slot stays taken for Grace", (*rule).cancel},
	{"the caller's deadline is his own error", (*rule).deadline},
	{"higher priorities first, equal ones in order", (*rule).priorities},
	{"a full queue waits for room", (*rule).fullQueue},
	{"a long task holds back no short one", (*rule).longAmongShort},
	{"a limit is exact, and the initializer runs in replacements too", (*rule).limit},
	{"a worker's age ends it", (*rule).age},
	{"starts that fail are tried again, later and later, until the circuit opens", (*rule).circuit},
	{"Close lets everything run that was accepted", (*rule).close},
	{"Terminate resolves everything at once", (*rule).terminate},
}

func TestRulesInFakeTime(t *testing.T) {
	for _, c := range rules {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c.prove(&rule{T: t, start: procpool.Goroutines(), unit: time.Minute, fake: true})
				time.Sleep(400 * time.Minute) // goroutines that were abandoned end by themselves
			})
		})
	}
}

func TestRulesOverProcesses(t *testing.T) {
	for name, start := range map[string]procpool.StartMethod{"rings": procpool.Spawn(), "pipes": procpool.Command("/proc/self/exe")} {
		for _, c := range rules {
			t.Run(name+"/"+c.name, func(t *testing.T) {
				pooltest.Check(t)
				c.prove(&rule{T: t, start: start, unit: 50 * time.Millisecond})
			})
		}
	}
}

// rule is one rule under proof. A unit is long in fake time, where it costs nothing, and short in real time.
type rule struct {
	*testing.T
	start procpool.StartMethod
	unit  time.Duration
	fake  bool
}

func (r *rule) pool(cfg procpool.Config) *procpool.Pool {
	r.Helper()
	cfg.StartMethod = r.start
	p, err := procpool.New(cfg)
	if err != nil {
		r.Fatal(err)
	}
	r.Cleanup(p.Terminate)
	return p
}

func (r *rule) ready(cfg procpool.Config) *procpool.Pool {
	r.Helper()
	p := r.pool(cfg)
	if err := p.WaitReady(r.Context()); err != nil {
		r.Fatal(err)
	}
	return p
}

// took holds that something took n units: exactly in fake time, at least that in real time.
func (r *rule) took(since time.Time, n float64) {
	r.Helper()
	d, want := time.Since(since), time.Duration(n*float64(r.unit))
	if d < want || r.fake && d > want+5*time.Millisecond {
		r.Errorf("took %v, want %v", d, want)
	}
}

// forEver is a time that ends long after the test: what takes it is ended by the pool, however slow the machine is.
func (r *rule) forEver() time.Duration {
	if r.fake {
		return 200 * r.unit
	}
	return time.Hour
}

var (
	rulesWait = procpool.Define("rules.wait", func(ctx context.Context, d time.Duration) (string, error) {
		// No time.After: where a timer's channel is received from after its time, Go 1.26 runs the timer on the receiver, with the
		// one race context of the bubble; two at once break the race detector, which then ends the process.
		wait, done := context.WithTimeout(context.Background(), d)
		defer done()
		select {
		case <-wait.Done():
		case <-ctx.Done():
			return "", ctx.Err()
		}
		w, _ := procpool.CurrentWorker(ctx)
		return w.Name, nil
	})
	rulesDeaf = procpool.Define("rules.deaf", func(_ context.Context, d time.Duration) (int, error) {
		if d == time.Hour { // not in fake time, where all print to the test's own output
			fmt.Println("begun")
		}
		time.Sleep(d)
		return 1, nil
	})
	rulesInit = procpool.DefineInitializer("rules.init", func(_ context.Context, d time.Duration) (func(), error) {
		if d < 0 {
			return nil, errors.New("not today")
		}
		time.Sleep(d)
		return nil, nil
	})
)

// said is a writer that tells when something is written to it.
type said chan struct{}

func (s said) Write(p []byte) (int, error) {
	select {
	case s <- struct{}{}:
	default:
	}
	return len(p), nil
}

func (r *rule) softTimeout() {
	p := r.ready(procpool.Config{Processes: 1, TaskTimeout: 2 * r.unit, Grace: 60 * r.unit})
	at := time.Now()
	_, err := rulesWait.Apply(r.Context(), p, r.forEver())
	r.took(at, 2)
	if te, ok := errors.AsType[*procpool.TaskError](err); !ok || !errors.Is(te, context.DeadlineExceeded) {
		r.Error(err)
	}
	at = time.Now()
	if _, err := rulesWait.With(procpool.CallOptions{Timeout: -1}).Apply(r.Context(), p, 3*r.unit); err != nil {
		r.Error("without a timeout:", err)
	}
	r.took(at, 3)
}

func (r *rule) hardTimeout() {
	p := r.ready(procpool.Config{Processes: 1, Grace: 3 * r.unit, Stdout: io.Discard})
	at := time.Now()
	_, err := rulesDeaf.With(procpool.CallOptions{Timeout: 2 * r.unit, Retries: 5}).Apply(r.Context(), p, r.forEver())
	r.took(at, 5)
	if we, ok := errors.AsType[*procpool.WorkerError](err); !ok || we.Cause != procpool.CauseTimedOut || we.Attempt != 1 {
		r.Error(err)
	}
	if !errors.Is(err, context.DeadlineExceeded) {
		r.Error("a timeout is not context.DeadlineExceeded")
	}
	if _, err := rulesWait.Apply(r.Context(), p, 0); err != nil {
		r.Error("the pool does not go on:", err)
	}
}

func (r *rule) noGrace() {
	p := r.ready(procpool.Config{Processes: 1, Grace: -1, Stdout: io.Discard})
	at := time.Now()
	_, err := rulesDeaf.With(procpool.CallOptions{Timeout: 2 * r.unit}).Apply(r.Context(), p, r.forEver())
	r.took(at, 2)
	if we, ok := errors.AsType[*procpool.WorkerError](err); !ok || we.Cause != procpool.CauseTimedOut {
		r.Error(err)
	}
}

func (r *rule) cancel() {
	begun := make(said, 1)
	p := r.ready(procpool.Config{Processes: 1, Grace: 4 * r.unit, Stdout: begun})
	ctx, cancel := context.WithCancel(r.Context())
	one := rulesDeaf.ApplyAsync(ctx, p, r.forEver())
	two := rulesWait.ApplyAsync(r.Context(), p, 0)
	if r.fake {
		time.Sleep(r.unit)
	} else {
		<-begun
	}
	at := time.Now()
	cancel()
	if _, err := one.Get(r.Context()); err != context.Canceled {
		r.Error(err)
	}
	r.took(at, 0)
	if _, err := two.Get(r.Context()); err != nil {
		r.Error(err)
	}
	r.took(at, 4)
}

func (r *rule) deadline() {
	p := r.ready(procpool.Config{Processes: 1, Grace: r.unit})
	ctx, done := context.WithTimeout(r.Context(), 2*r.unit)
	defer done()
	at := time.Now()
	_, err := rulesWait.Apply(ctx, p, r.forEver())
	r.took(at, 2)
	if err != context.DeadlineExceeded {
		r.Errorf("%T %v", err, err)
	}
}

func (r *rule) priorities() {
	p := r.ready(procpool.Config{Processes: 1})
	block := rulesWait.ApplyAsync(r.Context(), p, r.forEver())
	var mu sync.Mutex
	var order []int
	for i, priority := range []int{0, 5, 0, -1, 5, 9} {
		rulesWait.With(procpool.CallOptions{Priority: priority}).ApplyAsync(r.Context(), p, 0).OnSuccess(func(string) {
			mu.Lock()
			defer mu.Unlock()
			order = append(order, i)
		})
	}
	block.Cancel()
	if err := p.Shutdown(r.Context()); err != nil {
		r.Fatal(err)
	}
	if want := []int{5, 1, 4, 0, 2, 3}; !slices.Equal(order, want) {
		r.Errorf("ran in the order %v, want %v", order, want)
	}
}

func (r *rule) fullQueue() {
	p := r.ready(procpool.Config{Processes: 1, Queue: procpool.Queue{Limit: 1}})
	at := time.Now()
	var all []*procpool.AsyncResult[string]
	for range 4 { // one runs, one waits inside; the third enters after one unit, the fourth after two
		all = append(all, rulesWait.ApplyAsync(r.Context(), p, r.unit))
	}
	r.took(at, 2)
	for _, a := range all {
		if _, err := a.Get(r.Context()); err != nil {
			r.Error(err)
		}
	}
	r.took(at, 4)
}

func (r *rule) longAmongShort() {
	p := r.ready(procpool.Config{Processes: 2})
	if _, err := rulesWait.Map(r.Context(), p, make([]time.Duration, 5000)); err != nil { // windows grow
		r.Fatal(err)
	}
	long := rulesWait.ApplyAsync(r.Context(), p, r.forEver())
	at := time.Now()
	if _, err := rulesWait.Map(r.Context(), p, make([]time.Duration, 500)); err != nil {
		r.Fatal(err)
	}
	if d := time.Since(at); r.fake && d >= 20*r.unit || long.Ready() {
		r.Errorf("short tasks took %v behind a long one", d)
	}
	long.Cancel()
}

func (r *rule) limit() {
	p := r.pool(procpool.Config{Processes: 2, MaxTasksPerChild: 3, Initializer: rulesInit.Bind(r.unit / 2)})
	names, err := rulesWait.Map(r.Context(), p, make([]time.Duration, 60))
	if err != nil {
		r.Fatal(err)
	}
	ran := map[string]int{}
	for _, n := range names {
		ran[n]++
	}
	for n, tasks := range ran {
		if tasks > 3 {
			r.Errorf("%s ran %d tasks", n, tasks)
		}
	}
	if len(ran) < 20 {
		r.Errorf("60 tasks by %d workers of 3", len(ran))
	}
}

func (r *rule) age() {
	p := r.ready(procpool.Config{Processes: 1, Recycle: procpool.Recycle{Age: 3 * r.unit}})
	w := p.Workers()[0]
	first, at := w.Name, w.Started
	for {
		name, err := rulesWait.Apply(r.Context(), p, r.unit/4)
		if err != nil {
			r.Fatal(err)
		}
		if name != first {
			break
		}
		if time.Since(at) > r.forEver() {
			r.Fatal("it does not age")
		}
	}
	if d := time.Since(at); d < 2*r.unit {
		r.Errorf("left after %v", d)
	}
}

func (r *rule) circuit() {
	p := r.pool(procpool.Config{
		Processes: 1, Initializer: rulesInit.Bind(-1),
		Restart: procpool.Restart{MaxFailures: 4, Backoff: r.unit, MaxBackoff: 3 * r.unit},
	})
	at := time.Now()
	_, err := rulesWait.Apply(r.Context(), p, 0)
	se, ok := errors.AsType[*procpool.StartError](err)
	if !ok || se.Attempts != 4 {
		r.Fatal(err)
	}
	d := time.Since(at) // backoffs of 1, 2 and 3 units, each cut by a quarter at most
	if d < 9*r.unit/2 || r.fake && d > 6*r.unit+time.Second {
		r.Errorf("gave up after %v", d)
	}
	if _, again := rulesWait.Apply(r.Context(), p, 0); again == nil || p.Stats().Failing == nil {
		r.Error("the circuit is open, and tasks wait:", again)
	}
}

func (r *rule) close() {
	p := r.ready(procpool.Config{Processes: 2, MaxTasksPerChild: 2})
	at := time.Now()
	m := rulesWait.MapAsync(r.Context(), p, []time.Duration{r.unit, r.unit, r.unit, r.unit, r.unit, r.unit})
	p.Close()
	if _, err := rulesWait.Apply(r.Context(), p, 0); err != procpool.ErrClosed {
		r.Error(err)
	}
	if err := p.Join(r.Context()); err != nil {
		r.Fatal(err)
	}
	r.took(at, 3)
	if v, err := m.Get(r.Context()); err != nil || len(v) != 6 {
		r.Error(fmt.Sprint(v), err)
	}
}

func (r *rule) terminate() {
	p := r.ready(procpool.Config{Processes: 2})
	at := time.Now()
	var all []*procpool.AsyncResult[string]
	for range 20 {
		all = append(all, rulesWait.ApplyAsync(r.Context(), p, 100*r.unit))
	}
	p.Terminate()
	for _, a := range all {
		if _, err := a.Get(r.Context()); err != procpool.ErrTerminated {
			r.Error(err)
		}
	}
	if d := time.Since(at); d > 30*time.Second {
		r.Errorf("took %v", d)
	}
}
