//go:build unix

package procpool_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/procpool/procpool"
)

// fullPool is a pool of one worker, which is busy until the visit is over, and whose queue of one is full.
func fullPool(c *contract, reject bool) (p *procpool.Pool, g *gate, running *visit, queued *procpool.AsyncResult[string]) {
	c.Helper()
	g = c.gate()
	p = c.pool(procpool.Config{Processes: 1, Queue: procpool.Queue{Limit: 1, Reject: reject}})
	ctGate.ApplyAsync(c.ctx, p, g.in("running"))
	running = g.await()
	return p, g, running, ctGate.ApplyAsync(c.ctx, p, g.in("queued"))
}

func TestQueueFullWaits(t *testing.T) {
	c := newContract(t)
	p, g, running, queued := fullPool(c, false)

	short, cancel := context.WithTimeout(c.ctx, 20*time.Millisecond)
	defer cancel()
	if _, err := ctInc.Apply(short, p, 1); err != context.DeadlineExceeded {
		t.Errorf("Apply: %v, want its ctx's error", err)
	}
	if r := ctInc.ApplyAsync(short, p, 1); !r.Ready() || r.Successful() {
		t.Error("ApplyAsync returned without room or error")
	}
	late := make(chan *procpool.AsyncResult[int])
	go func() { late <- ctInc.ApplyAsync(c.ctx, p, 1) }() // ends when there is room
	if !running.g.c.Failed() && queued.Ready() {
		t.Error("queued is ready")
	}
	running.pass()
	g.await().pass()
	if v, err := (<-late).Get(c.ctx); v != 2 || err != nil {
		t.Error(v, err)
	}
	c.shut(p)
	if s := p.Stats(); s.Submitted != 3 || s.Succeeded != 3 {
		t.Errorf("a call that was not accepted counts: %+v", s)
	}
}

func TestQueueFullRejects(t *testing.T) {
	c := newContract(t)
	p, g, running, _ := fullPool(c, true)

	if _, err := ctInc.Apply(c.ctx, p, 1); err != procpool.ErrQueueFull {
		t.Errorf("Apply: %v", err)
	}
	r := ctInc.ApplyAsync(c.ctx, p, 1)
	if _, err := r.Get(c.ctx); err != procpool.ErrQueueFull || !r.Ready() || r.Successful() {
		t.Errorf("ApplyAsync: %v", err)
	}
	told := make(chan error, 1)
	r.OnError(func(err error) { told <- err })
	if err := <-told; err != procpool.ErrQueueFull {
		t.Errorf("OnError: %v", err)
	}

	m := ctInc.MapAsync(c.ctx, p, numbers(50)) // returns at once
	if m.Ready() {
		_, err := m.Get(c.ctx)
		t.Errorf("MapAsync with a full queue: %v", err)
	}
	if q := p.Stats().Queued; q != 51 {
		t.Errorf("%d tasks are queued, want all of the map and one", q)
	}
	running.pass()
	g.await().pass()
	out, err := m.Get(c.ctx)
	if err != nil || out[49] != 50 {
		t.Errorf("MapAsync: %v", err)
	}
	for v, err := range ctInc.IMap(c.ctx, p, upTo(50)) {
		if err != nil {
			t.Fatalf("IMap at %d: %v", v, err)
		}
	}
	c.shut(p)
}

func TestMapBeforeCloseIsWhole(t *testing.T) {
	c := newContract(t)
	p, g, running, _ := fullPool(c, false)
	m := ctInc.MapAsync(c.ctx, p, numbers(50))
	refused := make(chan error)
	go func() { // ends at Close
		_, err := ctInc.Apply(c.ctx, p, 1)
		refused <- err
	}()
	p.Close()
	p.Close()
	if err := <-refused; err != procpool.ErrClosed {
		t.Errorf("who waited for room at Close got %v", err)
	}
	if _, err := ctInc.Apply(c.ctx, p, 1); err != procpool.ErrClosed {
		t.Errorf("after Close: %v", err)
	}
	running.pass()
	g.await().pass()
	if out, err := m.Get(c.ctx); err != nil || out[49] != 50 {
		t.Errorf("the map from before Close: %v", err)
	}
	c.must(p.Join(c.ctx))
}

// A canceled task makes room.
func TestQueueCancelMakesRoom(t *testing.T) {
	c := newContract(t)
	p, _, running, queued := fullPool(c, true)
	queued.Cancel()
	r := ctInc.ApplyAsync(c.ctx, p, 1)
	running.pass()
	if v, err := r.Get(c.ctx); v != 2 || err != nil {
		t.Error(v, err)
	}
	c.shut(p)
}

func TestPriority(t *testing.T) {
	c := newContract(t)
	g := c.gate()
	var names output
	p := c.pool(procpool.Config{Processes: 1, Stdout: &names})
	ctGate.ApplyAsync(c.ctx, p, g.in("first"))
	first := g.await()
	for _, x := range []struct {
		text     string
		priority int
	}{{"low", -1}, {"a", 0}, {"high", 2}, {"b", 0}, {"mid", 1}, {"high2", 2}} {
		ctPrint.With(procpool.CallOptions{Priority: x.priority}).ApplyAsync(c.ctx, p, x.text)
	}
	first.pass()
	c.shut(p)
	if got, want := strings.Fields(names.String()), []string{"high", "high2", "mid", "a", "b", "low"}; !slices.Equal(got, want) {
		t.Errorf("order %v, want %v", got, want)
	}
}
