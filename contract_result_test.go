//go:build unix

package procpool_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/procpool/procpool"
	"github.com/procpool/procpool/event"
)

func TestResultGet(t *testing.T) {
	c := newContract(t)
	g := c.gate()
	p := c.pool(procpool.Config{Processes: 1})
	r := ctGate.ApplyAsync(c.ctx, p, g.in("v"))
	v := g.await()
	short, cancel := context.WithTimeout(c.ctx, time.Millisecond)
	defer cancel()
	if _, err := r.Get(short); err != context.DeadlineExceeded {
		t.Error(err)
	}
	if err := r.Wait(short); err != context.DeadlineExceeded {
		t.Error(err)
	}
	select {
	case <-r.Done():
		t.Error("done")
	default:
	}
	if r.Ready() || r.Successful() {
		t.Error("ready")
	}
	v.pass() // the task went on
	c.must(r.Wait(c.ctx))
	for range 2 {
		if got, err := r.Get(short); got != "v" || err != nil { // a result that is there needs no time
			t.Error(got, err)
		}
	}
	<-r.Done()
	if !r.Ready() || !r.Successful() || r.Wait(short) != nil {
		t.Error("not ready")
	}
	bad := ctFail.ApplyAsync(c.ctx, p, "x")
	c.must(bad.Wait(c.ctx))
	if !bad.Ready() || bad.Successful() {
		t.Error("a failure is not successful")
	}
	if second := ctInc.ApplyAsync(c.ctx, p, 1); second.ID() <= bad.ID() || bad.ID() <= r.ID() {
		t.Error("ids", r.ID(), bad.ID(), second.ID())
	}
	c.shut(p)
}

// Exactly one of the two kinds runs, once, after the result is ready.
func TestCallbackKinds(t *testing.T) {
	c := newContract(t)
	p := c.pool(procpool.Config{Processes: 1})
	var mu sync.Mutex
	var told []string
	add := func(s string) {
		mu.Lock()
		defer mu.Unlock()
		told = append(told, s)
	}
	for i, in := range []int{2, 3} {
		r := ctOdd.ApplyAsync(c.ctx, p, in)
		r.OnSuccess(func(v int) { add(fmt.Sprint(i, " success ", v, r.Ready())) }).
			OnError(func(err error) { add(fmt.Sprint(i, " error ", r.Ready())) })
	}
	c.shut(p)
	if got := strings.Join(told, ", "); got != "0 success 20 true, 1 error true" {
		t.Error(got)
	}
}

// One at a time, in completion order; a slow one delays callbacks, never tasks; Join waits for them.
func TestCallbackOrder(t *testing.T) {
	c := newContract(t)
	p := c.pool(procpool.Config{Processes: 2})
	var inside atomic.Int32
	var order []int
	hold := make(chan struct{})
	for i := range 50 {
		ctInc.ApplyAsync(c.ctx, p, i).OnSuccess(func(v int) {
			if inside.Add(1) != 1 {
				t.Error("two at a time")
			}
			if i == 0 {
				<-hold
			}
			order = append(order, v)
			inside.Add(-1)
		})
	}
	if v, err := ctInc.Apply(c.ctx, p, 1); v != 2 || err != nil { // tasks are not delayed
		t.Error(v, err)
	}
	p.Close()
	short, cancel := context.WithTimeout(c.ctx, 20*time.Millisecond)
	defer cancel()
	if err := p.Join(short); err != context.DeadlineExceeded {
		t.Errorf("Join did not wait for callbacks: %v", err)
	}
	close(hold)
	c.must(p.Join(c.ctx))
	if len(order) != 50 {
		t.Errorf("%d callbacks ran before Join returned, want 50", len(order))
	}
}

func TestCallbackCompletionOrder(t *testing.T) {
	c := newContract(t)
	g := c.gate()
	p := c.pool(procpool.Config{Processes: 2})
	told := make(chan string, 2)
	visits := map[string]*visit{}
	for _, l := range []string{"a", "b"} {
		ctGate.ApplyAsync(c.ctx, p, g.in(l)).OnSuccess(func(s string) { told <- s })
		v := g.await()
		visits[v.label] = v
	}
	visits["b"].pass()
	first := <-told
	visits["a"].pass()
	if second := <-told; first != "b" || second != "a" {
		t.Error(first, second)
	}
	c.shut(p)
}

func TestCallbackPanicIsAnEvent(t *testing.T) {
	c := newContract(t)
	j := newJournal()
	p := c.pool(procpool.Config{Processes: 1, OnEvent: j.add})
	ctInc.ApplyAsync(c.ctx, p, 1).OnSuccess(func(int) { panic("callback") })
	e := await[event.CallbackPanicked](c, j, 1, nil)[0]
	if e.Value != "callback" || !strings.Contains(e.Stack, "TestCallbackPanicIsAnEvent") {
		t.Errorf("%+v", e)
	}
	c.usable(p)
	c.shut(p)
}

func TestCallbackPanicOnStderr(t *testing.T) {
	c := newContract(t)
	var errs output
	p := c.pool(procpool.Config{Processes: 1, Stderr: &errs})
	ctInc.ApplyAsync(c.ctx, p, 1).OnSuccess(func(int) { panic("callback") })
	c.usable(p)
	c.shut(p)
	if s := errs.String(); !strings.Contains(s, "callback panicked: callback") || !strings.Contains(s, "TestCallbackPanicOnStderr") {
		t.Errorf("%q", s)
	}
}

// Added after completion it runs soon; after Join too.
func TestCallbackAddedLate(t *testing.T) {
	c := newContract(t)
	p := c.pool(procpool.Config{Processes: 1})
	r := ctInc.ApplyAsync(c.ctx, p, 1)
	c.must(r.Wait(c.ctx))
	told := make(chan int, 1)
	r.OnSuccess(func(v int) { told <- v })
	if v := <-told; v != 2 {
		t.Error(v)
	}
	c.shut(p)
	r.OnSuccess(func(v int) { told <- v })
	if v := <-told; v != 2 {
		t.Error(v)
	}
	r.OnSuccess(func(v int) { told <- int(r.ID()); told <- v })
	<-told
	<-told
}

// Close and Terminate may be called in a callback; Join and Shutdown there would wait for themselves.
func TestCallbackEndsPool(t *testing.T) {
	c := newContract(t)
	p := c.pool(procpool.Config{Processes: 1})
	told := make(chan error, 2)
	ctInc.ApplyAsync(c.ctx, p, 1).OnSuccess(func(int) {
		p.Close()
		told <- p.Join(c.ctx)
		told <- p.Shutdown(c.ctx)
	})
	for range 2 {
		c.says(<-told, "callback")
	}
	c.must(p.Join(c.ctx))

	p = c.pool(procpool.Config{Processes: 1})
	ended := make(chan struct{})
	ctInc.ApplyAsync(c.ctx, p, 1).OnSuccess(func(int) {
		p.Terminate()
		close(ended)
	})
	<-ended
	c.must(p.Join(c.ctx))
}
