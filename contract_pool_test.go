//go:build unix

package procpool_test

import (
	"context"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/procpool/procpool"
	"github.com/procpool/procpool/event"
)

func TestPoolLife(t *testing.T) {
	c := newContract(t)
	p := c.pool(procpool.Config{Processes: 2})
	if err := p.Join(c.ctx); err != procpool.ErrRunning {
		t.Errorf("Join while running: %v", err)
	}
	r := ctInc.ApplyAsync(c.ctx, p, 1)
	for range 2 {
		p.Close()
	}
	if _, err := ctInc.Apply(c.ctx, p, 1); err != procpool.ErrClosed {
		t.Error(err)
	}
	for range 2 {
		c.must(p.Join(c.ctx))
	}
	if v, err := r.Get(c.ctx); v != 2 || err != nil {
		t.Error(v, err)
	}
	for range 2 {
		p.Terminate()
	}
	c.must(p.Join(c.ctx))
	c.must(p.Shutdown(c.ctx))
	if ws := p.Workers(); len(ws) != 0 {
		t.Errorf("%+v", ws)
	}
	for _, err := range []error{p.Resize(3), p.Recycle(c.ctx), p.WaitReady(c.ctx)} {
		if err != procpool.ErrTerminated && err != procpool.ErrClosed {
			t.Errorf("after the end: %v", err)
		}
	}
}

// Everything resolves with ErrTerminated at once, although the workers ignore SIGTERM; they get SIGKILL 500 ms later.
func TestTerminate(t *testing.T) {
	c := newContract(t)
	g := c.gate()
	p := c.pool(procpool.Config{Processes: 2, Grace: time.Hour})
	running := ctGate.ApplyAsync(c.ctx, p, g.deaf("deaf"))
	deaf := g.await()
	ctGate.ApplyAsync(c.ctx, p, g.deaf("deaf2"))
	g.await()
	queued := ctInc.ApplyAsync(c.ctx, p, 1)
	m := ctInc.MapAsync(c.ctx, p, numbers(1000))
	ended := make(chan time.Duration)
	go func() { // ends with Terminate
		from := time.Now()
		p.Terminate()
		ended <- time.Since(from)
	}()
	for _, get := range []func() error{
		func() error { _, err := running.Get(c.ctx); return err },
		func() error { _, err := queued.Get(c.ctx); return err },
		func() error { _, err := m.Get(c.ctx); return err },
	} {
		if err := get(); err != procpool.ErrTerminated {
			t.Error(err)
		}
	}
	deaf.gone()
	if d := <-ended; d < 400*time.Millisecond || d > 20*time.Second {
		t.Errorf("Terminate took %v", d)
	}
	if _, err := ctInc.Apply(c.ctx, p, 1); err != procpool.ErrTerminated {
		t.Error(err)
	}
	c.must(p.Join(c.ctx))
}

func TestShutdownGivesUp(t *testing.T) {
	c := newContract(t)
	g := c.gate()
	p := c.pool(procpool.Config{Processes: 1})
	r := ctGate.ApplyAsync(c.ctx, p, g.in("a"))
	v := g.await()
	short, cancel := context.WithTimeout(c.ctx, 10*time.Millisecond)
	defer cancel()
	if err := p.Shutdown(short); err != context.DeadlineExceeded {
		t.Error(err)
	}
	if _, err := r.Get(c.ctx); err != procpool.ErrTerminated {
		t.Error(err)
	}
	v.gone()
}

func TestResize(t *testing.T) {
	c := newContract(t)
	g, j := c.gate(), newJournal()
	p := c.ready(procpool.Config{Processes: 1, OnEvent: j.add})
	c.must(p.Resize(3))
	var visits []*visit
	var rs []*procpool.AsyncResult[string]
	for range 3 {
		rs = append(rs, ctGate.ApplyAsync(c.ctx, p, g.in("x")))
	}
	for range 3 { // three at a time
		visits = append(visits, g.await())
	}
	c.must(p.Resize(1)) // they finish what they run
	for _, v := range visits {
		v.pass()
	}
	for _, r := range rs {
		if _, err := r.Get(c.ctx); err != nil {
			t.Error(err)
		}
	}
	await[event.WorkerExited](c, j, 2, nil)
	if s := p.Stats(); s.Processes != 1 || s.LastResize.From != 3 || s.LastResize.To != 1 {
		t.Errorf("%+v", s)
	}
	for _, n := range []int{0, -1} {
		c.says(p.Resize(n), "Resize", "1 or more")
	}
	c.usable(p)
	c.shut(p)
	p = c.pool(procpool.Config{Processes: 1, Scale: procpool.Scale{Min: 1, Max: 2}})
	c.says(p.Resize(2), "scales by itself", "Scale's Min and Max")
	c.shut(p)
}

func TestRecycle(t *testing.T) {
	c := newContract(t)
	p := c.ready(procpool.Config{Processes: 2})
	before := p.Workers()
	c.must(p.Recycle(c.ctx))
	for _, w := range p.Workers() {
		if w.State == procpool.StateReady && slices.ContainsFunc(before, func(b procpool.WorkerInfo) bool { return b.PID == w.PID }) {
			t.Errorf("%+v serves still", w)
		}
	}
	c.usable(p)
	c.shut(p)
	if s := p.Stats(); s.Exits[procpool.ReasonRolling] != 2 {
		t.Errorf("%+v", s)
	}
}

func TestStatsAndWorkers(t *testing.T) {
	c := newContract(t)
	g := c.gate()
	p := c.ready(procpool.Config{Processes: 2})
	a := ctGate.ApplyAsync(c.ctx, p, g.in("a"))
	va := g.await()
	b := ctGate.ApplyAsync(c.ctx, p, g.in("b"))
	vb := g.await()
	waiting := ctOdd.MapAsync(c.ctx, p, numbers(4))
	s := p.Stats()
	if s.Processes != 2 || s.Ready != 2 || s.Busy != 2 || s.Running != 2 || s.Queued != 4 || s.Submitted != 6 || s.Started != 2 {
		t.Errorf("%+v", s)
	}
	for _, w := range p.Workers() {
		if w.State != procpool.StateReady || w.Running != 1 || w.Task != "contract.gate" || w.Tasks != 1 || w.PID == 0 || w.Started.IsZero() || w.Reason != "" {
			t.Errorf("%+v", w)
		}
	}
	va.pass()
	vb.pass()
	c.must(a.Wait(c.ctx))
	c.must(b.Wait(c.ctx))
	c.must(waiting.Wait(c.ctx))
	c.shut(p)
	s = p.Stats()
	if s.Succeeded != 4 || s.Failed != 2 || s.Queued != 0 || s.Running != 0 || s.Exits[procpool.ReasonClosed] != 2 || s.WaitTotal <= 0 || s.RunTotal <= 0 {
		t.Errorf("%+v", s)
	}
}

func TestWaitReadyContext(t *testing.T) {
	c := newContract(t)
	p := c.pool(procpool.Config{Processes: 1, Initializer: ctInit.Bind(initArg{Hang: true})})
	short, cancel := context.WithTimeout(c.ctx, 10*time.Millisecond)
	defer cancel()
	if err := p.WaitReady(short); err != context.DeadlineExceeded {
		t.Error(err)
	}
	p.Terminate()
}

// initArg is what the initializer is to do.
type initArg struct {
	Fail, Cleanup string
	Panic, Hang   bool
	Path          string
}

var (
	inited int // how often the initializer ran in this process
	ctInit = procpool.DefineInitializer("contract.initializer", initialize)
	ctSeen = procpool.Define("contract.inited", func(ctx context.Context, _ int) ([2]string, error) {
		w, _ := procpool.CurrentWorker(ctx)
		return [2]string{w.Name, strings.Repeat("x", inited)}, nil
	})
)

// Pools inside workers are allowed.
func TestNestedPools(t *testing.T) {
	c := newContract(t)
	p := c.pool(procpool.Config{Processes: 2})
	out, err := ctNested.Map(c.ctx, p, []int{2, 2})
	if err != nil || !slices.Equal(out, []int{3, 3}) {
		t.Error(out, err)
	}
	// Killing a worker with a pool inside leaves nothing behind: newContract checks it.
	g := c.gate()
	ctNestedGate.ApplyAsync(c.ctx, p, g.in("inner"))
	v := g.await()
	for _, w := range p.Workers() {
		if w.PID != 0 { // 0, not spawned yet, would mean this process and its whole group
			syscall.Kill(w.PID, syscall.SIGKILL)
		}
	}
	v.gone()
	c.shut(p)
}

var (
	ctNested     procpool.Task[int, int]
	ctNestedGate procpool.Task[gateIn, string]
)

func init() { // they name other tasks, so they cannot be initialized beside them
	ctNested = procpool.Define("contract.nested", func(ctx context.Context, depth int) (int, error) {
		p, err := procpool.New(procpool.Config{Processes: 1})
		if err != nil {
			return 0, err
		}
		defer p.Terminate()
		if depth == 0 {
			v, err := ctInc.Apply(ctx, p, 0)
			return v, err
		}
		v, err := ctNested.Apply(ctx, p, depth-1)
		return v + 1, err
	})
	ctNestedGate = procpool.Define("contract.nestedGate", func(ctx context.Context, in gateIn) (string, error) {
		p, err := procpool.New(procpool.Config{Processes: 1})
		if err != nil {
			return "", err
		}
		defer p.Terminate()
		return ctGate.Apply(ctx, p, in)
	})
}
