//go:build unix

package procpool_test

import (
	"context"
	"errors"
	"os/signal"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/procpool/procpool"
	"github.com/procpool/procpool/event"
)

func TestCancelQueued(t *testing.T) {
	c := newContract(t)
	g := c.gate()
	var printed output
	p := c.pool(procpool.Config{Processes: 1, Stdout: &printed})
	ctGate.ApplyAsync(c.ctx, p, g.in("first"))
	first := g.await()
	queued := ctPrint.ApplyAsync(c.ctx, p, "never")
	queued.Cancel()
	queued.Cancel()
	if _, err := queued.Get(c.ctx); err != context.Canceled {
		t.Error(err)
	}
	first.pass()
	c.usable(p)
	c.shut(p)
	if s := p.Stats(); s.Canceled != 1 || s.Succeeded != 2 || printed.String() != "" {
		t.Errorf("%+v %q", s, printed.String())
	}
}

// The result resolves at once; the context inside the worker ends; a worker whose function returns is kept.
func TestCancelRunning(t *testing.T) {
	for name, cancel := range map[string]func(*procpool.AsyncResult[string], context.CancelFunc){
		"Cancel":  func(r *procpool.AsyncResult[string], _ context.CancelFunc) { r.Cancel() },
		"context": func(_ *procpool.AsyncResult[string], f context.CancelFunc) { f() },
	} {
		t.Run(name, func(t *testing.T) {
			c := newContract(t)
			g := c.gate()
			p := c.pool(procpool.Config{Processes: 1})
			ctx, end := context.WithCancel(c.ctx)
			defer end()
			r := ctGate.ApplyAsync(ctx, p, g.in("a"))
			v := g.await()
			before := p.Workers()[0].PID
			cancel(r, end)
			if _, err := r.Get(c.ctx); err != context.Canceled {
				t.Error(err)
			}
			v.gone()
			if w, err := ctWho.Apply(c.ctx, p, 0); err != nil || w.PID != before {
				t.Errorf("worker %d, %v: want %d still", w.PID, err, before)
			}
			c.shut(p)
		})
	}
}

// A function that ignores its context and SIGTERM is stopped all the same, and others notice nothing.
func TestCancelDeaf(t *testing.T) {
	c := newContract(t)
	g, j := c.gate(), newJournal()
	p := c.pool(procpool.Config{Processes: 2, Grace: 20 * time.Millisecond, OnEvent: j.add})
	other := ctGate.ApplyAsync(c.ctx, p, g.in("other"))
	otherVisit := g.await()
	r := ctGate.ApplyAsync(c.ctx, p, g.deaf("deaf"))
	deaf := g.await()
	r.Cancel()
	if _, err := r.Get(c.ctx); err != context.Canceled {
		t.Error(err)
	}
	deaf.gone()
	e := await[event.WorkerExited](c, j, 1, nil)[0]
	if e.Cause != event.CauseCanceled || e.Reason != procpool.ReasonCanceled || syscall.Signal(e.Signal) != syscall.SIGKILL {
		t.Errorf("%+v", e)
	}
	c.usable(p)
	otherVisit.pass()
	if v, err := other.Get(c.ctx); v != "other" || err != nil {
		t.Error(v, err)
	}
	c.shut(p)
	if s := p.Stats(); s.Canceled != 1 || s.Exits[procpool.ReasonCanceled] != 1 {
		t.Errorf("%+v", s)
	}
}

var (
	ctSpin = procpool.Define("contract.spin", func(context.Context, int) (int, error) {
		//lint:ignore SA5002 it is to spin
		for {
		}
	})
	ctDeafen = procpool.Define("contract.deafen", func(context.Context, int) (int, error) {
		signal.Ignore(syscall.SIGTERM)
		return 0, nil
	})
	// ctSlow gives what it has when its time is up.
	ctSlow = procpool.Define("contract.slow", func(ctx context.Context, fail bool) (string, error) {
		<-ctx.Done()
		if fail {
			return "", ctx.Err()
		}
		return "partial", nil
	})
)

// What the function returns within Grace is the result.
func TestTimeoutSoft(t *testing.T) {
	c := newContract(t)
	p := c.pool(procpool.Config{Processes: 1})
	soon := ctSlow.With(procpool.CallOptions{Timeout: 20 * time.Millisecond})
	if v, err := soon.Apply(c.ctx, p, false); v != "partial" || err != nil {
		t.Error(v, err)
	}
	_, err := soon.Apply(c.ctx, p, true)
	errorAs[*procpool.TaskError](c, err)
	c.is(err, context.DeadlineExceeded)
	c.shut(p)
	if s := p.Stats(); s.Started != 1 {
		t.Errorf("%d workers, want one all the time", s.Started)
	}
}

func TestTimeoutHard(t *testing.T) {
	c := newContract(t)
	p := c.ready(procpool.Config{Processes: 1, Grace: 20 * time.Millisecond})
	options := procpool.CallOptions{Timeout: 20 * time.Millisecond, Retries: 5} // never retried after a timeout
	_, err := ctSpin.With(options).Apply(c.ctx, p, 0)
	e := errorAs[*procpool.WorkerError](c, err)
	if e.Cause != procpool.CauseTimedOut || e.Attempt != 1 || e.Task != "contract.spin" || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%+v", e)
	}
	_, err = ctDeafen.Apply(c.ctx, p, 0) // it must be deaf before its time is up
	c.must(err)
	_, err = ctSpin.With(options).Apply(c.ctx, p, 0)
	if e := errorAs[*procpool.WorkerError](c, err); e.Cause != procpool.CauseTimedOut || e.Signal != syscall.SIGKILL {
		t.Errorf("%+v", e)
	}
	c.usable(p)
	c.shut(p)
	if s := p.Stats(); s.Exits[procpool.ReasonTimedOut] != 2 || s.Retried != 0 {
		t.Errorf("%+v", s)
	}
}

// The time of a task begins when a worker starts it, not when it waits.
func TestTimeoutFromStart(t *testing.T) {
	c := newContract(t)
	g := c.gate()
	p := c.ready(procpool.Config{Processes: 1, TaskTimeout: 20 * time.Millisecond, Grace: -1})
	ctGate.With(procpool.CallOptions{Timeout: -1}).ApplyAsync(c.ctx, p, g.in("first")) // none
	first := g.await()
	r := ctInc.ApplyAsync(c.ctx, p, 1)
	w := ctWho.With(procpool.CallOptions{Timeout: time.Hour}).ApplyAsync(context.WithoutCancel(c.ctx), p, 0)
	timer := time.NewTimer(100 * time.Millisecond)
	<-timer.C
	if r.Ready() {
		t.Error("it timed out while it waited")
	}
	r.Cancel()
	passed := time.Now()
	first.pass()
	if w, err := w.Get(c.ctx); err != nil || w.Left < time.Hour-time.Since(passed) {
		t.Errorf("%v after the worker was free, a task that may run for an hour has %v left, %v", time.Since(passed), w.Left, err)
	}
	_, err := ctSpin.Apply(c.ctx, p, 0) // the pool's default
	if e := errorAs[*procpool.WorkerError](c, err); e.Cause != procpool.CauseTimedOut {
		t.Errorf("%+v", e)
	}
	c.shut(p)
}

// The worker's context has the earlier deadline of ctx and Timeout, and nothing else of ctx.
func TestContextInWorker(t *testing.T) {
	c := newContract(t)
	p := c.pool(procpool.Config{Processes: 1})
	values := context.WithValue(context.Background(), valueKey{}, "secret")
	in := func(d time.Duration) context.Context {
		ctx, cancel := context.WithTimeout(values, d)
		t.Cleanup(cancel)
		return ctx
	}
	for _, tc := range []struct {
		name    string
		ctx     context.Context
		timeout time.Duration
		least   time.Duration
		most    time.Duration // 0: no deadline
	}{
		{"none", values, 0, 0, 0},
		{"timeout", values, time.Hour, 50 * time.Minute, time.Hour},
		{"ctx", in(time.Hour), 0, 50 * time.Minute, time.Hour},
		{"ctx earlier", in(time.Hour), 2 * time.Hour, 50 * time.Minute, time.Hour},
		{"timeout earlier", in(2 * time.Hour), time.Hour, 50 * time.Minute, time.Hour},
	} {
		w, err := ctWho.With(procpool.CallOptions{Timeout: tc.timeout}).Apply(tc.ctx, p, 0)
		c.must(err)
		if w.HasDeadline != (tc.most > 0) || w.HasDeadline && (w.Left < tc.least || w.Left > tc.most) {
			t.Errorf("%s: deadline %v in %v", tc.name, w.HasDeadline, w.Left)
		}
		if w.Value != nil {
			t.Errorf("%s: a value crossed: %v", tc.name, w.Value)
		}
	}
	c.shut(p)
}

// When ctx's deadline comes, the caller sees ctx's own error.
func TestContextDeadline(t *testing.T) {
	c := newContract(t)
	p := c.ready(procpool.Config{Processes: 1})
	for range 5 {
		ctx, cancel := context.WithTimeout(c.ctx, 10*time.Millisecond)
		if _, err := ctSlow.Apply(ctx, p, true); err != context.DeadlineExceeded {
			t.Error(err)
		}
		cancel()
	}
	c.usable(p)
	c.shut(p)
}

// Apply with a ctx that has ended does not run anything.
func TestContextEndedBefore(t *testing.T) {
	c := newContract(t)
	p := c.pool(procpool.Config{Processes: 1})
	ctx, cancel := context.WithCancel(c.ctx)
	cancel()
	if _, err := ctInc.Apply(ctx, p, 1); err != context.Canceled {
		t.Error(err)
	}
	if r := ctInc.ApplyAsync(ctx, p, 1); !r.Ready() {
		t.Error("not ready")
	}
	c.shut(p)
	if s := p.Stats(); s.Submitted != 0 {
		t.Errorf("%+v", s)
	}
}

// However a worker ends, what is left of its process group is killed: here at a planned exit, a crash and Terminate.
func TestProcessGroupIsKilled(t *testing.T) {
	for name, end := range map[string]func(c *contract, p *procpool.Pool){
		"planned": func(c *contract, p *procpool.Pool) { c.shut(p) },
		"crash": func(c *contract, p *procpool.Pool) {
			ctSignal.Apply(c.ctx, p, int(syscall.SIGKILL))
		},
		"terminate": func(c *contract, p *procpool.Pool) { p.Terminate() },
	} {
		t.Run(name, func(t *testing.T) {
			c := newContract(t)
			g := c.gate()
			p := c.pool(procpool.Config{Processes: 1})
			_, err := ctLitter.Apply(c.ctx, p, g.in("child"))
			c.must(err)
			child := g.await()
			end(c, p)
			child.gone()
			p.Terminate()
		})
	}
}

// A long task never holds back short ones that sit in the same worker's window: they run elsewhere.
func TestLongTaskHoldsNobodyBack(t *testing.T) {
	c := newContract(t)
	g := c.gate()
	p := c.ready(procpool.Config{Processes: 2})
	for range 3 { // windows grow with quick tasks
		if _, err := ctInc.Map(c.ctx, p, numbers(20000)); err != nil {
			t.Fatal(err)
		}
	}
	in := make([]gateIn, 2000)
	in[5] = g.in("long")
	in[700] = in[5]
	one := ctGateOrPass.MapAsync(c.ctx, p, in[:600])
	long := g.await()
	if out, err := ctGateOrPass.Map(c.ctx, p, in[1000:]); err != nil || len(out) != 1000 {
		t.Fatal(err)
	}
	if r := p.Stats(); r.Succeeded < 60000+1000+599 {
		rest := 60000 + 1000 + 599 - int(r.Succeeded)
		t.Logf("%d tasks of the first map are still to come", rest)
	}
	long.pass()
	out, err := one.Get(c.ctx)
	if err != nil || slices.Contains(out, "") {
		t.Errorf("%v", err)
	}
	c.shut(p)
}

var ctGateOrPass = procpool.Define("contract.gateOrPass", func(ctx context.Context, in gateIn) (string, error) {
	if in.Addr == "" {
		return "passed", nil
	}
	return passGate(ctx, in)
})
