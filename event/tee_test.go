package event_test

import (
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/procpool/procpool/event"
)

func dropped(n int) event.Event { return event.Dropped{Count: uint64(n)} }

func TestTee(t *testing.T) {
	var got []int
	note := func(n int) func(event.Event) { return func(event.Event) { got = append(got, n) } }
	event.Tee(note(1), nil, note(2))(dropped(0))
	event.Tee()(dropped(0))
	if !slices.Equal(got, []int{1, 2}) {
		t.Errorf("told %v", got)
	}
}

// An observer that panics does not keep the event from the others, and the panic is not swallowed.
func TestTeePanic(t *testing.T) {
	told := false
	defer func() {
		if v := recover(); v != "aua" || !told {
			t.Errorf("recovered %v, told %v", v, told)
		}
	}()
	event.Tee(func(event.Event) { panic("aua") }, func(event.Event) { told = true })(dropped(0))
}

// While the observer is stuck, as many events as the buffer holds are kept, and the rest is counted.
func TestAsyncDrops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		var got []uint64
		b := event.Async(3, func(e event.Event) {
			<-gate
			got = append(got, e.(event.Dropped).Count)
		})
		b.Observe(dropped(0))
		synctest.Wait() // the observer has the first
		for i := range 10 {
			b.Observe(dropped(1 + i))
		}
		if n := b.Dropped(); n != 7 {
			t.Errorf("%d were dropped, want 7", n)
		}
		close(gate)
		b.Flush()
		if !slices.Equal(got, []uint64{0, 1, 2, 3}) {
			t.Errorf("got %v", got)
		}
		b.Observe(dropped(11))
		b.Flush()
		if got[len(got)-1] != 11 || b.Dropped() != 7 {
			t.Errorf("afterwards got %v, dropped %d", got, b.Dropped())
		}
	})
}

// Whatever the observer does to its goroutine, the next event comes.
func TestAsyncSurvives(t *testing.T) {
	var calls atomic.Int32
	b := event.Async(10, func(e event.Event) {
		calls.Add(1)
		switch e.(event.Dropped).Count {
		case 0:
			panic("told on standard error, as it should be")
		case 1:
			runtime.Goexit()
		}
	})
	for i := range 4 {
		b.Observe(dropped(i))
	}
	b.Flush()
	if calls.Load() != 4 {
		t.Errorf("observed %d events, want 4", calls.Load())
	}
}

func BenchmarkAsync(b *testing.B) {
	a := event.Async(1<<16, func(event.Event) {})
	e := dropped(1)
	for b.Loop() {
		a.Observe(e)
	}
	a.Flush()
}
