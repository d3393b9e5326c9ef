//go:build unix

package procpool_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/procpool/procpool"
	"github.com/procpool/procpool/event"
)

func TestMapReturnsSuccessesAndErrors(t *testing.T) {
	c := newContract(t)
	p := c.pool(procpool.Config{Processes: 2})
	out, err := ctOdd.Map(c.ctx, p, []int{0, 1, 2, 3, 4})
	if want := []int{0, 0, 20, 0, 40}; !slices.Equal(out, want) {
		t.Errorf("values %v, want %v", out, want)
	}
	m := errorAs[*procpool.MapError](c, err)
	if m.Total != 5 || len(m.Items) != 2 || m.Items[0].Index != 1 || m.Items[1].Index != 3 {
		t.Errorf("%+v", m)
	}
	te := errorAs[*procpool.TaskError](c, m.Items[1])
	if te.Message != "3 is odd" {
		t.Error(te.Message)
	}
	c.says(m, "2 of 5", "item 1", "1 is odd")
	c.shut(p)
}

func TestMapFailFast(t *testing.T) {
	c := newContract(t)
	p := c.ready(procpool.Config{Processes: 1})
	in := slices.Repeat([]int{0}, 500)
	in[3] = 1
	fast := ctOdd.With(procpool.CallOptions{FailFast: true})
	_, err := fast.Map(c.ctx, p, in)
	m := errorAs[*procpool.MapError](c, err)
	if len(m.Items) != 1 || m.Items[0].Index != 3 || m.Total != 500 {
		t.Errorf("%v", m)
	}
	if errors.Is(err, context.Canceled) {
		t.Error("it holds the canceled rest")
	}

	// What runs already is told to stop, and what waits never runs.
	g := c.gate()
	r := ctGateOrFail.With(procpool.CallOptions{FailFast: true}).MapAsync(c.ctx, p, []gateIn{{}, g.in("never"), g.in("never")})
	_, err = r.Get(c.ctx)
	if m := errorAs[*procpool.MapError](c, err); len(m.Items) != 1 || m.Items[0].Index != 0 {
		t.Errorf("%v", m)
	}
	c.shut(p)
	if s := p.Stats(); s.Canceled < 2 {
		t.Errorf("%+v", s)
	}
}

var ctGateOrFail = procpool.Define("contract.gateOrFail", func(ctx context.Context, in gateIn) (string, error) {
	if in.Addr == "" {
		return "", errors.New("no gate")
	}
	return passGate(ctx, in)
})

// mapUnderWay is a map of two whose first item is done and whose second one runs.
func mapUnderWay(c *contract, ctx context.Context) (*procpool.Pool, *procpool.AsyncResult[[]string], *visit) {
	c.Helper()
	g, j := c.gate(), newJournal()
	p := c.pool(procpool.Config{Processes: 1, OnEvent: j.add})
	r := ctGate.MapAsync(ctx, p, []gateIn{g.in("a"), g.in("b")})
	g.await().pass()
	second := g.await()
	await(c, j, 1, func(e event.TaskFinished) bool { return e.Task.ID == r.ID() })
	return p, r, second
}

func TestMapContextEnds(t *testing.T) {
	c := newContract(t)
	ctx, cancel := context.WithCancel(c.ctx)
	defer cancel()
	p, r, second := mapUnderWay(c, ctx)
	cancel()
	if out, err := r.Get(c.ctx); err != context.Canceled || !slices.Equal(out, []string{"a", ""}) {
		t.Errorf("%q, %v", out, err)
	}
	second.gone() // it was told to stop
	c.usable(p)
	c.shut(p)
}

func TestMapTerminated(t *testing.T) {
	c := newContract(t)
	p, r, _ := mapUnderWay(c, c.ctx)
	p.Terminate()
	if out, err := r.Get(c.ctx); err != procpool.ErrTerminated || !slices.Equal(out, []string{"a", ""}) {
		t.Errorf("%q, %v", out, err)
	}
	if out, err := ctInc.Map(c.ctx, p, []int{1, 2}); err != procpool.ErrTerminated || len(out) != 2 {
		t.Error(out, err)
	}
}

func TestMapClosedBefore(t *testing.T) {
	c := newContract(t)
	p := c.pool(procpool.Config{Processes: 1})
	p.Close()
	if out, err := ctInc.Map(c.ctx, p, []int{1, 2}); err != procpool.ErrClosed || len(out) != 2 {
		t.Error(out, err)
	}
	ended, cancel := context.WithCancel(c.ctx)
	cancel()
	if out, err := ctInc.Map(ended, p, []int{1, 2}); err != context.Canceled || len(out) != 2 {
		t.Error(out, err)
	}
	c.must(p.Join(c.ctx))
}

func TestMapEmpty(t *testing.T) {
	c := newContract(t)
	p := c.pool(procpool.Config{Processes: 1})
	if out, err := ctInc.Map(c.ctx, p, nil); out == nil || len(out) != 0 || err != nil {
		t.Errorf("%#v, %v", out, err)
	}
	r := ctInc.MapAsync(c.ctx, p, []int{})
	if !r.Successful() {
		t.Error("an empty map is not ready at once")
	}
	told := make(chan []int, 1)
	r.OnSuccess(func(v []int) { told <- v })
	if v := <-told; v == nil || len(v) != 0 {
		t.Errorf("callback got %#v", v)
	}
	c.shut(p)
}

// Each item is a task of its own, with an id of its own; the map's is the first one's.
func TestMapIDs(t *testing.T) {
	c := newContract(t)
	p := c.pool(procpool.Config{Processes: 2})
	r := ctWho.MapAsync(c.ctx, p, make([]int, 10))
	out, err := r.Get(c.ctx)
	c.must(err)
	for i, w := range out {
		if w.Task.ID != r.ID()+uint64(i) {
			t.Errorf("item %d is task %d, the map is %d", i, w.Task.ID, r.ID())
		}
	}
	if next := ctInc.ApplyAsync(c.ctx, p, 0); next.ID() != r.ID()+10 {
		t.Errorf("the next task is %d", next.ID())
	}
	c.shut(p)
}

// One item that cannot be encoded fails alone.
func TestMapItemNotEncodable(t *testing.T) {
	c := newContract(t)
	p := c.pool(procpool.Config{Processes: 1})
	out, err := ctAny.Map(c.ctx, p, []any{"a", make(chan int), "c"})
	m := errorAs[*procpool.MapError](c, err)
	if len(m.Items) != 1 || m.Items[0].Index != 1 || out[0] != "string" || out[2] != "string" {
		t.Errorf("%v, %v", out, m)
	}
	if e := errorAs[*procpool.EncodeError](c, m.Items[0]); e.Result || !strings.Contains(e.Error(), "chan") {
		t.Error(e)
	}
	c.shut(p)
}

var ctMostlyQuick = procpool.Define("contract.mostlyQuick", func(ctx context.Context, how int) (int, error) {
	switch how {
	case 0:
		return 0, nil
	case 1:
		return 0, errors.New("odd")
	}
	select {
	case <-ctx.Done():
		return 0, ctx.Err()
	case <-time.After(patient / 2):
		return 0, errors.New("nobody told it to stop")
	}
})

// An item that runs is told to stop while the answers of quick ones before it are on their way. When that is, is up to the
// machine; so it is tried often.
func TestMapStopsBehindQuickItems(t *testing.T) {
	c := newContract(t)
	p := c.ready(procpool.Config{Processes: 1})
	quick := make([]int, 1000)
	fast := ctMostlyQuick.With(procpool.CallOptions{FailFast: true})
	for i := range 150 {
		if _, err := ctMostlyQuick.Map(c.ctx, p, quick); err != nil { // so that many are sent at a time
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(c.ctx)
		in := []int{0, 0, 0, 0, 1, 0, 0, 0, 0, 2}
		if i%2 == 0 {
			fast.Map(ctx, p, in)
		} else {
			in[4] = 0
			r := ctMostlyQuick.MapAsync(ctx, p, in)
			time.Sleep(time.Duration(i*5) * time.Microsecond) // any moment will do
			cancel()
			r.Get(c.ctx)
		}
		begin := time.Now()
		if _, err := ctMostlyQuick.Apply(c.ctx, p, 0); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begin); took > patient/4 {
			t.Fatalf("round %d: the worker was free after %v", i, took)
		}
		cancel()
	}
	c.shut(p)
}

// deadlineOnly is a context that does not tell when its deadline has passed, as one whose timer is late.
type deadlineOnly struct {
	context.Context
	at time.Time
}

func (d deadlineOnly) Deadline() (time.Time, bool) { return d.at, true }

// The deadline of a map passes, and the worker notices first: what waits is removed all the same.
func TestMapDeadlineSeenByWorker(t *testing.T) {
	c := newContract(t)
	j := newJournal()
	p := c.ready(procpool.Config{Processes: 1, OnEvent: j.add})
	in := make([]int, 100)
	in[0] = 2
	ctx := deadlineOnly{context.Background(), time.Now().Add(20 * time.Millisecond)}
	if _, err := ctMostlyQuick.Map(ctx, p, in); err != context.DeadlineExceeded {
		t.Fatal(err)
	}
	c.shut(p)
	// On a busy machine the deadline may have passed before the first item was started.
	if started := await[event.TaskStarted](c, j, 0, nil); len(started) > 1 {
		t.Errorf("%d items have run", len(started))
	}
	if s := p.Stats(); s.Canceled != 100 {
		t.Errorf("%+v", s)
	}
}

var ctLength = procpool.Define("contract.length", func(_ context.Context, s string) (int, error) { return len(s), nil })

// What the first items of a map are like says nothing of the others: the pool takes no more memory than all of them need.
func TestMapOfUnequalItems(t *testing.T) {
	c := newContract(t)
	p := c.pool(procpool.Config{Processes: 2})
	in := make([]string, 100_000)
	in[64] = strings.Repeat("x", 8<<20-64-5) // with those before it, and its head, it fills the memory that append makes for it
	bytes := len(in) + len(in[64])
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	r := ctLength.MapAsync(c.ctx, p, in)
	runtime.ReadMemStats(&after)
	out, err := r.Get(c.ctx)
	c.must(err)
	for i := range in {
		if out[i] != len(in[i]) {
			t.Fatalf("item %d has %d bytes, want %d", i, out[i], len(in[i]))
		}
	}
	if took := after.TotalAlloc - before.TotalAlloc; took > 8*uint64(bytes) {
		t.Errorf("to submit %d MiB took %d MiB", bytes>>20, took>>20)
	}
}
