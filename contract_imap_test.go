//go:build unix

package procpool_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/procpool/procpool"
)

// Nothing starts until the sequence is ranged over; each range runs it anew.
func TestIMapStartsWhenRanged(t *testing.T) {
	c := newContract(t)
	p := c.pool(procpool.Config{Processes: 2})
	var asked atomic.Int64
	input := func(yield func(int) bool) {
		asked.Add(1)
		upTo(10)(yield)
	}
	ordered, unordered := ctInc.IMap(c.ctx, p, input), ctInc.IMapUnordered(c.ctx, p, input)
	if asked.Load() != 0 || p.Stats().Submitted != 0 {
		t.Error("something ran before the range")
	}
	for range 2 {
		want := 1
		for v, err := range ordered {
			if v != want || err != nil {
				t.Fatal(v, want, err)
			}
			want++
		}
		seen := map[int]bool{}
		for it := range unordered {
			if it.Err != nil || it.Value != it.Index+1 {
				t.Fatal(it)
			}
			seen[it.Index] = true
		}
		if want != 11 || len(seen) != 10 {
			t.Fatal(want, len(seen))
		}
	}
	if asked.Load() != 4 {
		t.Errorf("the input ran %d times, want 4", asked.Load())
	}
	c.shut(p)
}

// The input is never more than Window ahead of what the loop was given.
func TestIMapWindow(t *testing.T) {
	for _, window := range []int{1, 3, 64} {
		t.Run(fmt.Sprint(window), func(t *testing.T) {
			c := newContract(t)
			p := c.pool(procpool.Config{Processes: 2})
			task := ctInc.With(procpool.CallOptions{Window: window})
			var given, most atomic.Int64
			input := func(yield func(int) bool) {
				for i := range 1000 {
					ahead := int64(i+1) - given.Load()
					most.Store(max(most.Load(), ahead))
					if !yield(i) {
						return
					}
				}
			}
			for _, err := range task.IMap(c.ctx, p, input) {
				c.must(err)
				given.Add(1)
			}
			given.Store(0)
			for it := range task.IMapUnordered(c.ctx, p, input) {
				c.must(it.Err)
				given.Add(1)
			}
			// The loop's body counts what it was given a moment after it was given it.
			if n := most.Load(); n > int64(window)+1 {
				t.Errorf("the input was %d ahead, window %d", n, window)
			}
			c.shut(p)
		})
	}
}

// While the loop's body works, the input comes to a stop Window ahead.
func TestIMapWindowWhileBodyWorks(t *testing.T) {
	c := newContract(t)
	g := c.gate()
	p := c.pool(procpool.Config{Processes: 3})
	task := ctGate.With(procpool.CallOptions{Window: 3})
	read := make(chan int, 100)
	input := func(yield func(gateIn) bool) {
		for i := range 9 {
			read <- i
			if !yield(g.in(fmt.Sprint(i))) {
				return
			}
		}
	}
	next, stop := iter.Pull2(task.IMap(c.ctx, p, input))
	defer stop()
	got := make(chan string)
	go func() { // ends when the first item has come
		v, _, _ := next()
		got <- v
	}()
	byLabel := map[string]*visit{}
	for range 3 {
		v := g.await()
		byLabel[v.label] = v
	}
	// All three are done before the loop takes the first.
	byLabel["1"].pass()
	byLabel["1"].gone()
	byLabel["2"].pass()
	byLabel["2"].gone()
	byLabel["0"].pass()
	if v := <-got; v != "0" {
		t.Fatal(v)
	}
	if v := g.await(); v.label != "3" { // room for one
		t.Fatal(v.label)
	}
	g.nobody()
	if n := len(read); n != 4 {
		t.Errorf("%d values were read after one was given, window 3", n)
	}
	stop()
	c.shut(p)
}

// After break the loop is left at once, what is left is canceled, and the input's goroutine ends when it next yields.
func TestIMapBreak(t *testing.T) {
	c := newContract(t)
	g := c.gate()
	p := c.pool(procpool.Config{Processes: 2})
	values, ended := make(chan gateIn), make(chan struct{})
	input := func(yield func(gateIn) bool) {
		defer close(ended)
		for v := range values {
			if !yield(v) {
				return
			}
		}
	}
	next, stop := iter.Pull(ctGate.IMapUnordered(c.ctx, p, input))
	defer stop()
	got := make(chan procpool.Item[string])
	go func() { // ends with the first item
		it, _ := next()
		got <- it
	}()
	values <- g.in("a")
	values <- g.in("b")
	running := []*visit{g.await(), g.await()}
	running[0].pass()
	if it := <-got; it.Err != nil || it.Value != running[0].label {
		t.Fatal(it)
	}
	stop()            // as break
	running[1].gone() // what was left was canceled
	select {
	case <-ended:
		t.Error("the input has ended without having been asked to")
	default:
	}
	values <- g.in("c")
	<-ended
	c.shut(p)
	if s := p.Stats(); s.Canceled != 1 || s.Succeeded != 1 || s.Submitted != 2 {
		t.Errorf("%+v", s)
	}
}

// When ctx ends, the loop returns at once, also while the input is stuck.
func TestIMapContextEnds(t *testing.T) {
	for name, item := range imaps {
		t.Run(name, func(t *testing.T) {
			c := newContract(t)
			p := c.pool(procpool.Config{Processes: 1})
			ctx, cancel := context.WithCancel(c.ctx)
			defer cancel()
			stuck, ended := make(chan struct{}), make(chan struct{})
			input := func(yield func(int) bool) {
				defer close(ended)
				yield(1)
				<-stuck
				yield(2)
			}
			var got []procpool.Item[int]
			for it := range item(ctx, p, input) {
				got = append(got, it)
				cancel()
			}
			if len(got) != 2 || got[0].Value != 2 || got[1].Err != context.Canceled || got[1].Index > 0 {
				t.Errorf("%+v", got)
			}
			close(stuck)
			<-ended
			c.shut(p)
		})
	}
}

// imaps are both kinds, told as items; for IMap the index is that of the ItemError, or -1.
var imaps = map[string]func(context.Context, procpool.Executor, iter.Seq[int]) iter.Seq[procpool.Item[int]]{
	"IMap": func(ctx context.Context, p procpool.Executor, in iter.Seq[int]) iter.Seq[procpool.Item[int]] {
		return func(yield func(procpool.Item[int]) bool) {
			n := -1
			for v, err := range ctOddInc.IMap(ctx, p, in) {
				n++
				it := procpool.Item[int]{Index: n, Value: v, Err: err}
				var ie *procpool.ItemError
				if errors.As(err, &ie) {
					it.Index, it.Err = ie.Index, ie.Err
				} else if err != nil {
					it.Index = -1
				}
				if !yield(it) {
					return
				}
			}
		}
	},
	"IMapUnordered": func(ctx context.Context, p procpool.Executor, in iter.Seq[int]) iter.Seq[procpool.Item[int]] {
		return ctOddInc.IMapUnordered(ctx, p, in)
	},
}

// ctOddInc is inc that fails for negative numbers.
var ctOddInc = procpool.Define("contract.oddInc", func(_ context.Context, n int) (int, error) {
	if n < 0 {
		return 0, fmt.Errorf("%d is negative", n)
	}
	return n + 1, nil
})

// One bad item yields its error at its place, and the iteration goes on.
func TestIMapItemFails(t *testing.T) {
	for name, item := range imaps {
		t.Run(name, func(t *testing.T) {
			c := newContract(t)
			p := c.pool(procpool.Config{Processes: 2})
			var bad, good int
			for it := range item(c.ctx, p, slices.Values([]int{0, -1, 2, -3, 4})) {
				if it.Err == nil {
					good++
					continue
				}
				bad++
				if te := errorAs[*procpool.TaskError](c, it.Err); te.Message != fmt.Sprintf("%d is negative", -it.Index) {
					t.Error(it.Index, te.Message)
				}
			}
			if bad != 2 || good != 3 {
				t.Error(bad, good)
			}
			c.shut(p)
		})
	}
}

// A failure of the whole is yielded once and ends the sequence.
func TestIMapFailsAsAWhole(t *testing.T) {
	for name, item := range imaps {
		for _, stop := range []struct {
			name string
			stop func(*procpool.Pool)
			want error
		}{
			{"closed", (*procpool.Pool).Close, procpool.ErrClosed},
			{"terminated", (*procpool.Pool).Terminate, procpool.ErrTerminated},
		} {
			t.Run(name+"/"+stop.name, func(t *testing.T) {
				c := newContract(t)
				p := c.pool(procpool.Config{Processes: 1})
				var errs []error
				for it := range item(c.ctx, p, func(yield func(int) bool) {
					for yield(1) { // without end
					}
				}) {
					if it.Err == nil {
						stop.stop(p)
						continue
					}
					errs = append(errs, it.Err)
					if it.Index != -1 {
						t.Errorf("index %d", it.Index)
					}
				}
				if len(errs) != 1 || errs[0] != stop.want {
					t.Errorf("%v, want %v once", errs, stop.want)
				}
				p.Terminate()
			})
		}
	}
}

func TestIMapInputPanics(t *testing.T) {
	for name, item := range imaps {
		t.Run(name, func(t *testing.T) {
			c := newContract(t)
			p := c.pool(procpool.Config{Processes: 1})
			got := 0
			func() {
				defer func() {
					if v := recover(); v != "input" {
						t.Errorf("recovered %v", v)
					}
				}()
				for range item(c.ctx, p, func(yield func(int) bool) { yield(1); panic("input") }) {
					got++
				}
			}()
			if got != 1 {
				t.Errorf("%d items came before the panic, want 1", got)
			}
			c.usable(p)
			c.shut(p)
		})
	}
}

// IMapUnordered yields in completion order.
func TestIMapUnorderedOrder(t *testing.T) {
	c := newContract(t)
	g := c.gate()
	p := c.pool(procpool.Config{Processes: 2})
	next, stop := iter.Pull(ctGate.IMapUnordered(c.ctx, p, slices.Values([]gateIn{g.in("a"), g.in("b")})))
	defer stop()
	first := make(chan procpool.Item[string])
	go func() { // ends with the first item
		it, _ := next()
		first <- it
	}()
	visits := map[string]*visit{}
	for range 2 {
		v := g.await()
		visits[v.label] = v
	}
	visits["b"].pass()
	if it := <-first; it.Index != 1 || it.Value != "b" {
		t.Errorf("%+v", it)
	}
	visits["a"].pass()
	if it, ok := next(); !ok || it.Index != 0 {
		t.Errorf("%+v", it)
	}
	if it, ok := next(); ok {
		t.Errorf("%+v", it)
	}
	c.shut(p)
}
