//go:build unix

package procpool_test

import (
	"context"
	"fmt"
	"maps"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/procpool/procpool"
	"github.com/procpool/procpool/event"
)

// logged is a task that is written down in a file before it does anything.
type logged struct {
	Path   string
	N      int
	Signal int // its worker ends itself
	Exit   bool
}

var ctLogged = procpool.Define("contract.logged", func(_ context.Context, in logged) (int, error) {
	f, err := os.OpenFile(in.Path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	fmt.Fprintf(f, "%d %d\n", in.N, os.Getpid())
	if in.Signal != 0 {
		syscall.Kill(os.Getpid(), syscall.Signal(in.Signal))
		select {}
	}
	if in.Exit {
		os.Exit(1)
	}
	return in.N, nil
})

// runs tells how often each task has run, and in which processes.
func runs(c *contract, path string) (times map[int]int, pids map[string]int) {
	c.Helper()
	data, err := os.ReadFile(path)
	c.must(err)
	times, pids = map[int]int{}, map[string]int{}
	for line := range strings.Lines(string(data)) {
		var n int
		var pid string
		if _, err := fmt.Sscan(line, &n, &pid); err != nil {
			c.Fatal(line, err)
		}
		times[n]++
		pids[pid]++
	}
	return times, pids
}

// A death costs exactly the one task that was running; what had not started runs elsewhere; nothing runs twice.
func TestDeathCostsOneTask(t *testing.T) {
	c := newContract(t)
	path := t.TempDir() + "/log"
	p := c.ready(procpool.Config{Processes: 2})
	c.warm(p)
	const n = 3000
	in := make([]logged, n)
	for i := range in {
		in[i] = logged{Path: path, N: i}
		switch {
		case i%1000 == 500:
			in[i].Signal = int(syscall.SIGKILL)
		case i%1000 == 750:
			in[i].Exit = true
		}
	}
	out, err := ctLogged.Map(c.ctx, p, in)
	m := errorAs[*procpool.MapError](c, err)
	if len(m.Items) != 6 {
		t.Errorf("%d tasks failed, want the 6 that ended their worker: %v", len(m.Items), m)
	}
	for _, it := range m.Items {
		e := errorAs[*procpool.WorkerError](c, it)
		if it.Index%1000 == 500 != (e.Cause == procpool.CauseKilledOutside) {
			t.Errorf("item %d: %v", it.Index, e)
		}
	}
	for i, v := range out {
		if v != i && i%1000 != 500 && i%1000 != 750 {
			t.Fatalf("item %d gave %d", i, v)
		}
	}
	times, _ := runs(c, path)
	for i := range n {
		if times[i] != 1 {
			t.Fatalf("task %d ran %d times", i, times[i])
		}
	}
	c.shut(p)
	if s := p.Stats(); s.Failed != 6 || s.Retried != 0 || s.Exits[procpool.ReasonKilled] != 3 || s.Exits[procpool.ReasonExited] != 3 {
		t.Errorf("%+v", s)
	}
}

// warm makes the workers' windows grow.
func (c *contract) warm(p *procpool.Pool) {
	c.Helper()
	_, err := ctInc.Map(c.ctx, p, numbers(20000))
	c.must(err)
}

// Workers that are killed from outside while they rest cost nothing, and are replaced.
func TestIdleWorkersKilled(t *testing.T) {
	c := newContract(t)
	j := newJournal()
	p := c.ready(procpool.Config{Processes: 2, OnEvent: j.add})
	for round := 1; round <= 3; round++ {
		for _, w := range p.Workers() {
			if w.PID != 0 { // 0, not spawned yet, would mean this process and its whole group
				syscall.Kill(w.PID, syscall.SIGKILL)
			}
		}
		out, err := ctInc.Map(c.ctx, p, numbers(100))
		if err != nil || out[99] != 100 {
			t.Fatalf("round %d: %v", round, err)
		}
		await[event.WorkerExited](c, j, 2*round, nil)
		c.must(p.WaitReady(c.ctx))
	}
	c.shut(p)
	if s := p.Stats(); s.Failed != 0 || s.Exits[procpool.ReasonKilled] != 6 {
		t.Errorf("%+v", s)
	}
}

// Workers killed from outside at any moment: each task resolves once, and those that failed had started.
func TestKilledAtAnyMoment(t *testing.T) {
	c := newContract(t)
	path := t.TempDir() + "/log"
	p := c.ready(procpool.Config{Processes: 2})
	c.warm(p)
	const n = 4000
	in := make([]logged, n)
	for i := range in {
		in[i] = logged{Path: path, N: i}
	}
	r := ctLogged.MapAsync(c.ctx, p, in)
	kills := 0
	for !r.Ready() && kills < 10 {
		for _, w := range p.Workers() {
			if w.State == procpool.StateReady && w.PID != 0 {
				syscall.Kill(w.PID, syscall.SIGKILL)
				kills++
				break
			}
		}
		_, err := ctWho.Apply(c.ctx, p, 0) // a moment that is not always the same
		if err != nil {
			errorAs[*procpool.WorkerError](c, err)
		}
	}
	out, err := r.Get(c.ctx)
	failed := map[int]bool{}
	if err != nil {
		for _, it := range errorAs[*procpool.MapError](c, err).Items {
			errorAs[*procpool.WorkerError](c, it)
			failed[it.Index] = true
		}
	}
	times, _ := runs(c, path)
	for i := range n {
		if times[i] > 1 || times[i] == 0 && !failed[i] || !failed[i] && out[i] != i {
			t.Errorf("task %d ran %d times, failed: %v, gave %d", i, times[i], failed[i], out[i])
		}
	}
	if len(failed) > kills {
		t.Errorf("%d kills cost %d tasks: %v", kills, len(failed), maps.Keys(failed))
	}
	c.shut(p)
}

// A death while a task runs does not count towards the circuit.
func TestDeathsInTasksAreNotFailedStarts(t *testing.T) {
	c := newContract(t)
	p := c.ready(procpool.Config{Processes: 1, Restart: procpool.Restart{MaxFailures: 2}})
	for range 5 {
		_, err := ctExit.Apply(c.ctx, p, 1)
		errorAs[*procpool.WorkerError](c, err)
	}
	c.usable(p)
	if err := p.Stats().Failing; err != nil {
		t.Error(err)
	}
	c.shut(p)
}

// With MaxTasksPerChild n no worker ever runs more than n, whatever the tasks are submitted with; failures and attempts
// count.
func TestMaxTasksPerChildIsExact(t *testing.T) {
	c := newContract(t)
	path := t.TempDir() + "/log"
	p := c.pool(procpool.Config{Processes: 2, MaxTasksPerChild: 7})
	var rs []*procpool.AsyncResult[int]
	n := 0
	next := func() logged { n++; return logged{Path: path, N: n} }
	many := func(k int) (in []logged) {
		for range k {
			in = append(in, next())
		}
		return in
	}
	for range 5 {
		rs = append(rs, ctLogged.ApplyAsync(c.ctx, p, next()))
		_, err := ctLogged.Map(c.ctx, p, many(12))
		c.must(err)
		for _, err := range ctLogged.IMap(c.ctx, p, func(yield func(logged) bool) {
			for _, v := range many(9) {
				if !yield(v) {
					return
				}
			}
		}) {
			c.must(err)
		}
		for it := range ctLogged.IMapUnordered(c.ctx, p, func(yield func(logged) bool) { yield(next()) }) {
			c.must(it.Err)
		}
		_, err = ctLogged.Apply(c.ctx, p, next())
		c.must(err)
	}
	for _, r := range rs {
		_, err := r.Get(c.ctx)
		c.must(err)
	}
	c.shut(p)
	times, pids := runs(c, path)
	for i := 1; i <= n; i++ {
		if times[i] != 1 {
			t.Errorf("task %d ran %d times", i, times[i])
		}
	}
	for pid, k := range pids {
		if k > 7 {
			t.Errorf("worker %s ran %d tasks", pid, k)
		}
	}
	if s := p.Stats(); s.Succeeded != uint64(n) || s.Exits[procpool.ReasonTaskLimit] < uint64(n/7)/2 {
		t.Errorf("%d tasks: %+v", n, s)
	}
}

// A task that fails counts, and so does each attempt.
func TestFailuresCount(t *testing.T) {
	c := newContract(t)
	p := c.pool(procpool.Config{Processes: 1, MaxTasksPerChild: 2})
	names := map[string]int{}
	for range 6 {
		_, err := ctFail.Apply(c.ctx, p, "x")
		names[errorAs[*procpool.TaskError](c, err).Worker]++
	}
	for name, n := range names {
		if n != 2 {
			t.Errorf("%s ran %d", name, n)
		}
	}
	c.shut(p)
}

// The successor is ready before the old worker leaves, and runs nothing before that.
func TestSuccessorIsReadyBefore(t *testing.T) {
	c := newContract(t)
	j := newJournal()
	p := c.ready(procpool.Config{Processes: 1, MaxTasksPerChild: 50, OnEvent: j.add})
	for range 200 {
		_, err := ctInc.Apply(c.ctx, p, 1)
		c.must(err)
	}
	c.shut(p)
	j.mu.Lock()
	defer j.mu.Unlock()
	ready, exited, running := 0, 0, map[string]bool{}
	for _, e := range j.events {
		switch e := e.(type) {
		case event.WorkerReady:
			ready++
		case event.WorkerExited:
			exited++
			delete(running, e.Worker.Name)
		case event.TaskStarted:
			running[e.Worker.Name] = true
		}
	}
	if exited != ready || exited < 4 {
		t.Errorf("%d ready, %d exited", ready, exited)
	}
}
