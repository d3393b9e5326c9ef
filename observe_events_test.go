//go:build unix

package procpool_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/procpool/procpool"
	"github.com/procpool/procpool/event"
)

var (
	obInc  = procpool.Define("observe.inc", func(_ context.Context, n int) (int, error) { return n + 1, nil })
	obRisk = procpool.Define("observe.risk", func(ctx context.Context, n int) (int, error) {
		switch n % 40 {
		case 7:
			return 0, errors.New("seven")
		case 17:
			panic("seventeen")
		case 27:
			syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		case 37:
			os.Exit(3)
		}
		return n, nil
	})
	obStuck = procpool.Define("observe.stuck", func(context.Context, int) (int, error) {
		obHere()
		return 0, nil
	})
	obWait = procpool.Define("observe.wait", func(ctx context.Context, _ int) (int, error) {
		<-ctx.Done()
		return 0, ctx.Err()
	})
)

//go:noinline
func obHere() { select {} }

// account checks that events come in the order that package event promises, and counts them.
type account struct {
	t  *testing.T
	mu sync.Mutex

	tasks   map[uint64]string // what came last
	workers map[string]string
	counts  map[string]int
}

func newAccount(t *testing.T) *account {
	return &account{t: t, tasks: map[uint64]string{}, workers: map[string]string{}, counts: map[string]int{}}
}

// What may come before what. The empty string is the beginning.
var (
	taskOrder = map[string]string{
		"queued": "/", "started": "/queued/requeued/retried/", "requeued": "/queued/started/requeued/retried/",
		"timed out": "/started/", "retried": "/started/timed out/",
		"finished": "/queued/started/timed out/requeued/retried/", "canceled": "/queued/started/timed out/requeued/retried/",
	}
	workerOrder = map[string]string{
		"spawned": "/", "ready": "/spawned/retiring/", "retiring": "/spawned/ready/",
		"exited": "/spawned/ready/retiring/", "failed": "//exited/",
	}
)

func (a *account) task(t event.Task, what string) {
	a.counts[what]++
	if last := a.tasks[t.ID]; !strings.Contains(taskOrder[what], "/"+last+"/") && (last != "" || what != "queued") {
		a.t.Errorf("task %d: %s after %q", t.ID, what, last)
	}
	a.tasks[t.ID] = what
}

func (a *account) worker(w event.Worker, what string) {
	a.counts["worker "+what]++
	if last := a.workers[w.Name]; !strings.Contains(workerOrder[what], "/"+last+"/") && (last != "" || what != "spawned") {
		a.t.Errorf("worker %s: %s after %q", w.Name, what, last)
	}
	a.workers[w.Name] = what
}

// has checks that a task's event names a worker that serves.
func (a *account) has(w event.Worker, what string) {
	if last := a.workers[w.Name]; last != "ready" && last != "retiring" {
		a.t.Errorf("%s in worker %s, which is %q", what, w.Name, last)
	}
}

func (a *account) observe(e event.Event) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch e := e.(type) {
	case event.TaskQueued:
		a.task(e.Task, "queued")
	case event.TaskStarted:
		a.task(e.Task, "started")
		a.has(e.Worker, "started")
	case event.TaskTimedOut:
		a.task(e.Task, "timed out")
	case event.TaskRequeued:
		a.task(e.Task, "requeued")
	case event.TaskRetried:
		a.task(e.Task, "retried")
		a.has(e.Worker, "retried")
	case event.TaskFinished:
		a.task(e.Task, "finished")
		if e.Err == nil {
			a.counts["succeeded"]++
		}
		if e.Worker.Name != "" {
			a.has(e.Worker, "finished")
		}
		if e.Wait < 0 || e.Run < 0 {
			a.t.Errorf("task %d waited %v and ran %v", e.Task.ID, e.Wait, e.Run)
		}
	case event.TaskCanceled:
		a.task(e.Task, "canceled")
	case event.WorkerSpawned:
		a.worker(e.Worker, "spawned")
	case event.WorkerReady:
		a.worker(e.Worker, "ready")
	case event.WorkerRetiring:
		a.worker(e.Worker, "retiring")
	case event.WorkerExited:
		a.worker(e.Worker, "exited")
	case event.WorkerStartFailed:
		a.worker(e.Worker, "failed")
	case event.Dropped:
		a.t.Errorf("%d events were dropped", e.Count)
	}
}

// settled checks that everything has ended, and that the sums are those of Stats.
func (a *account) settled(s procpool.Stats) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for id, last := range a.tasks {
		if last != "finished" && last != "canceled" {
			a.t.Errorf("task %d: nothing after %q", id, last)
		}
	}
	for name, last := range a.workers {
		if last != "exited" && last != "failed" {
			a.t.Errorf("worker %s: nothing after %q", name, last)
		}
	}
	for what, n := range map[string]uint64{
		"queued": s.Submitted, "succeeded": s.Succeeded, "finished": s.Succeeded + s.Failed, "canceled": s.Canceled,
		"requeued": s.Requeued, "retried": s.Retried, "worker spawned": s.Started,
	} {
		if uint64(a.counts[what]) != n {
			a.t.Errorf("%d events %s, but Stats counts %d", a.counts[what], what, n)
		}
	}
}

// Every task and every worker has its events in order, one end, and the sums agree with Stats, while workers die, retire
// and are replaced, and tasks are canceled, time out and are retried.
func TestEventsInOrder(t *testing.T) {
	for name, m := range map[string]procpool.StartMethod{"spawn": procpool.Spawn(), "command": procpool.Command("/proc/self/exe")} {
		t.Run(name, func(t *testing.T) { eventsInOrder(t, m) })
	}
}

func eventsInOrder(t *testing.T, m procpool.StartMethod) {
	c := newContract(t)
	c.long() // it takes hundreds of starts
	a := newAccount(t)
	p := c.pool(procpool.Config{
		Processes: 3, StartMethod: m, MaxTasksPerChild: 50, Recycle: procpool.Recycle{Jitter: 0.5},
		Grace: 50 * time.Millisecond, OnEvent: a.observe, Stderr: &output{},
	})
	var group sync.WaitGroup
	for part := range 4 {
		rng := rand.New(rand.NewPCG(1, uint64(part)))
		group.Go(func() { c.mixture(p, rng, part) })
	}
	group.Wait()
	c.must(p.Recycle(c.ctx))
	left := obWait.MapAsync(c.ctx, p, numbers(1000)) // to be terminated: some run, some wait
	for p.Stats().Busy < 3 {                         // nothing announces that workers are busy with these
		runtime.Gosched()
	}
	p.Terminate()
	c.is(left.Wait(c.ctx), nil)
	c.must(p.Join(c.ctx))
	a.settled(p.Stats())
}

// mixture runs a little of everything.
func (c *contract) mixture(p *procpool.Pool, rng *rand.Rand, part int) {
	risk := obRisk.With(procpool.CallOptions{Retries: part, Priority: part})
	risk.Map(c.ctx, p, numbers(400))
	for range 10 {
		ctx, cancel := context.WithTimeout(c.ctx, time.Duration(rng.IntN(3000))*time.Microsecond)
		obInc.Map(ctx, p, numbers(rng.IntN(2000)))
		obWait.Apply(ctx, p, 0)
		cancel()
		r := obWait.ApplyAsync(c.ctx, p, 0)
		r.Cancel()
		for range obInc.IMap(c.ctx, p, upTo(100)) {
			if rng.IntN(50) == 0 {
				break
			}
		}
	}
	obStuck.With(procpool.CallOptions{Timeout: 5 * time.Millisecond}).Map(c.ctx, p, numbers(2))
}

// What cannot be encoded was never accepted, and so nothing is told of it.
func TestEventsOfUnsendable(t *testing.T) {
	c := newContract(t)
	a := newAccount(t)
	p := c.ready(procpool.Config{Processes: 1, OnEvent: a.observe})
	_, err := ctAny.Map(c.ctx, p, []any{1, make(chan int), 3})
	errorAs[*procpool.MapError](c, err)
	c.shut(p)
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.counts["queued"] != 2 || a.counts["finished"] != 2 {
		t.Errorf("counted %v", a.counts)
	}
}

// A slow observer delays no task, one that panics breaks none, and one that is too slow is told what it missed.
func TestEventsSlowObserver(t *testing.T) {
	c := newContract(t)
	gate := make(chan struct{})
	var stderr output
	var dropped uint64
	seen := 0
	p := c.ready(procpool.Config{Processes: 1, Stderr: &stderr, OnEvent: func(e event.Event) {
		<-gate
		if d, ok := e.(event.Dropped); ok {
			dropped += d.Count
			return
		}
		seen++
		panic("from the observer")
	}})
	p.Observe(func(event.Event) {})
	const tasks = 1000
	if out, err := obInc.Map(c.ctx, p, numbers(tasks)); err != nil || out[tasks-1] != tasks {
		t.Fatal(err)
	}
	p.Close()
	close(gate)
	c.must(p.Join(c.ctx))
	if seen < 3*tasks || dropped != 0 {
		t.Errorf("saw %d events, %d dropped, of %d tasks", seen, dropped, tasks)
	}
	if !strings.Contains(stderr.String(), "an observer panicked: from the observer") {
		t.Errorf("the panic was not told: %.200q", stderr.String())
	}
}

// Observe begins and ends at any time.
func TestObserveLate(t *testing.T) {
	c := newContract(t)
	p := c.ready(procpool.Config{Processes: 1})
	j := newJournal()
	stop := p.Observe(j.add)
	c.usable(p)
	if got := await[event.TaskFinished](c, j, 1, nil); got[0].Task.Name != "contract.inc" {
		t.Errorf("got %+v", got)
	}
	stop()
	c.usable(p)
	c.shut(p)
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.events) > 3 {
		t.Errorf("after stop came %+v", j.events[3:])
	}
}

// Errors in events are those that users know, and Metadata comes along.
func TestEventsTellErrors(t *testing.T) {
	c := newContract(t)
	j := newJournal()
	p := c.ready(procpool.Config{Processes: 1, OnEvent: j.add})
	opts := procpool.CallOptions{Retries: 1, Metadata: map[string]string{"k": "v"}}
	_, err := ctSignal.With(opts).Apply(c.ctx, p, int(syscall.SIGKILL))
	errorAs[*procpool.WorkerError](c, err)
	e := await[event.TaskRetried](c, j, 1, nil)[0]
	if dead := errorAs[*procpool.WorkerError](c, e.Err); dead.Attempt != 1 || e.Task.Metadata["k"] != "v" {
		t.Errorf("got %+v", e)
	}
	if e := await[event.TaskFinished](c, j, 1, nil)[0]; e.Err != err || e.Task.Attempt != 2 {
		t.Errorf("got %+v, want %v", e, err)
	}
	c.shut(p)
}

func TestEventsTellStartErrors(t *testing.T) {
	c := newContract(t)
	j := newJournal()
	p, err := procpool.New(procpool.Config{
		Processes: 1, StartMethod: procpool.Command("sh", "-c", "echo no licence >&2; exit 9"), OnEvent: j.add,
		Restart: procpool.Restart{MaxFailures: 1}, Stderr: &output{},
	})
	c.must(err)
	defer p.Terminate()
	e := await[event.WorkerStartFailed](c, j, 1, nil)[0]
	if fault := errorAs[*procpool.StartError](c, e.Err); fault.ExitCode != 9 || !strings.Contains(fault.Stderr, "no licence") {
		t.Errorf("got %+v", e)
	}
}

// Stats tells where the time goes.
func TestStatsInsights(t *testing.T) {
	c := newContract(t)
	p := c.ready(procpool.Config{Processes: 1})
	nap := 200 * time.Millisecond // more than a quick task takes on a busy machine
	for range 10 {
		if _, err := ctNap.Apply(c.ctx, p, nap); err != nil {
			t.Fatal(err)
		}
	}
	obInc.Map(c.ctx, p, numbers(90))
	check := func(s procpool.Stats) {
		t.Helper()
		sum := s.Time.Start + s.Time.Init + s.Time.Waiting + s.Time.Working + s.Time.Stopping
		if sum < 0.999 || sum > 1.001 || s.Time.Start <= 0 || s.Time.Working < 0.1 || s.Time.Waiting < 0 {
			t.Errorf("time was spent on %+v", s.Time)
		}
		if len(s.Slowest) != 5 || s.Slowest[4].Run < nap || s.Slowest[0].Run < s.Slowest[4].Run {
			t.Errorf("slowest are %+v", s.Slowest)
		}
		for _, e := range s.Slowest { // a busy machine may hold up a quick one for longer than the others nap
			if e.Task != "contract.nap" && e.Task != "observe.inc" {
				t.Errorf("slowest are %+v", s.Slowest)
			}
		}
		if s.Run.P50 > nap || s.Run.P99 < nap*9/10 || s.Run.P90 > s.Run.P99 {
			t.Errorf("run %+v", s.Run)
		}
	}
	check(p.Stats())
	c.shut(p)
	check(p.Stats())
	if s := p.Stats(); s.Time.Stopping <= 0 {
		t.Errorf("time was spent on %+v", s.Time)
	}
}
