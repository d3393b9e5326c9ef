//go:build unix

package procpool_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/procpool/procpool"
)

// long reports whether the forms of tests that take much memory and time are to run.
func long() bool { return os.Getenv("PROCPOOL_LONG") != "" }

const overLimit = 1<<30 + 1<<16 // encoded, so with a head before it

var ctMake = procpool.Define("contract.make", func(_ context.Context, n int) ([]byte, error) {
	b := make([]byte, n)
	for i := 0; i < n; i += 4096 {
		b[i] = byte(i >> 12)
	}
	return b, nil
})

// Results and arguments of every size go through.
func TestSizes(t *testing.T) {
	sizes := []int{0, 1, 15, 16, 17, 4095, 4096, 16 << 10, 16<<10 + 1, 64<<10 - 1, 64 << 10, 64<<10 + 1, 1 << 20, 1<<20 + 1, 64 << 20}
	if long() {
		sizes = append(sizes, 1<<30)
	}
	c := newContract(t)
	ctx := context.Background() // large ones take long where many processes want the processors
	p := c.pool(procpool.Config{Processes: 1})
	for _, n := range sizes {
		in := make([]byte, n)
		for i := 0; i < n; i += 4096 {
			in[i] = byte(i >> 12)
		}
		out, err := ctEcho.Apply(ctx, p, in)
		if err != nil || !bytes.Equal(in, out) || out == nil {
			t.Errorf("%d bytes: %v, %d came back", n, err, len(out))
		}
	}
	if v, err := ctEcho.Apply(ctx, p, nil); v != nil || err != nil {
		t.Errorf("nil became %#v, %v", v, err)
	}
	c.must(p.Shutdown(ctx))
}

// More than the limit is an EncodeError, not a crash.
func TestSizeOverTheLimit(t *testing.T) {
	if !long() {
		t.Skip("takes some GiB: set PROCPOOL_LONG")
	}
	c := newContract(t)
	p := c.pool(procpool.Config{Processes: 1})
	_, err := ctEcho.Apply(c.ctx, p, make([]byte, overLimit))
	if e := errorAs[*procpool.EncodeError](c, err); e.Result {
		t.Error(e)
	}
	c.says(err, "limit of", "split it")
	runtime.GC()
	_, err = ctMake.Apply(c.ctx, p, overLimit)
	if e := errorAs[*procpool.EncodeError](c, err); !e.Result {
		t.Error(e)
	}
	c.says(err, "limit of")
	c.usable(p)
	c.shut(p)
	if s := p.Stats(); s.Started != 1 {
		t.Errorf("%+v", s)
	}
}

// bytesPerTask is what a queued ApplyAsync of a small argument may cost, its result included.
const bytesPerTask = 400

// queued submits n tasks behind one that runs and returns how many bytes each takes, and what ends them all.
func queued(c *contract, n int) (bytes float64, finish func()) {
	c.Helper()
	g := c.gate()
	p := c.pool(procpool.Config{Processes: 1})
	ctGate.ApplyAsync(c.ctx, p, g.in("first"))
	first := g.await()
	rs := make([]*procpool.AsyncResult[int], n)
	before := heap()
	for i := range rs {
		rs[i] = ctInc.ApplyAsync(context.Background(), p, i)
	}
	bytes = (heap() - before) / float64(n)
	return bytes, func() {
		first.pass()
		for i, r := range rs {
			if v, err := r.Get(c.ctx); v != i+1 || err != nil {
				c.Fatal(i, v, err)
			}
		}
		c.shut(p)
	}
}

// heap is what the heap holds, without what sync.Pools keep through one collection, which comes from other tests.
func heap() float64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}

func TestManyQueuedTasks(t *testing.T) {
	n := 100_000
	if long() {
		n = 1_000_000
	}
	c := newContract(t)
	bytes, finish := queued(c, n)
	t.Logf("%.0f bytes per queued task", bytes)
	if bytes > bytesPerTask {
		t.Errorf("%.0f bytes per queued task, want at most %d", bytes, bytesPerTask)
	}
	finish()
}

// BenchmarkQueuedTask reports what a task that waits costs in memory.
func BenchmarkQueuedTask(b *testing.B) {
	ctx := context.Background()
	p, err := procpool.New(procpool.Config{Processes: 1})
	if err != nil {
		b.Fatal(err)
	}
	defer p.Terminate()
	ctNap.ApplyAsync(ctx, p, 1<<62)
	const n = 100_000
	keep := make([]*procpool.AsyncResult[int], n)
	for b.Loop() {
		before := heap()
		for i := range keep {
			keep[i] = ctInc.ApplyAsync(ctx, p, i)
		}
		b.ReportMetric((heap()-before)/n, "bytes/task")
		for _, r := range keep {
			r.Cancel()
		}
		clear(keep)
	}
}

// A large value does not stay in memory after it was sent.
func TestLargeValuesAreReleased(t *testing.T) {
	c := newContract(t)
	p := c.pool(procpool.Config{Processes: 1})
	before := heap()
	for range 4 {
		_, err := ctEcho.Apply(c.ctx, p, make([]byte, 16<<20))
		c.must(err)
	}
	_, err := ctEcho.Apply(c.ctx, p, nil) // whoever took in the last answer is done with it by now
	c.must(err)
	if grown := heap() - before; grown > 24<<20 {
		t.Errorf("%.0f MiB are held", grown/(1<<20))
	}
	pid := p.Workers()[0].PID
	if b, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid)); err == nil {
		pages, _ := strconv.Atoi(strings.Fields(string(b))[1])
		t.Logf("the worker has %d MiB", pages*os.Getpagesize()>>20)
	}
	c.shut(p)
}
