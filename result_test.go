package procpool

import (
	"sync"
	"sync/atomic"
	"testing"

	"github.com/procpool/procpool/internal/queue"
)

// later is a desk that keeps callbacks, in the order in which they were handed over.
type later struct {
	queue.Desk
	mu  sync.Mutex
	all []func()
}

func (l *later) Later(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, f)
}

// What is added to a result while it becomes ready happens once, in the order in which it was added, and after it is ready.
func TestResultBecomesReady(t *testing.T) {
	for range 20_000 {
		desk := &later{}
		r := &AsyncResult[int]{}
		r.desk = desk
		var order []int
		var stopped atomic.Int32
		var group sync.WaitGroup
		group.Go(func() {
			if r.claim() {
				r.value = 7
				r.settle()
			}
		})
		group.Go(func() {
			for i := range 3 {
				r.OnSuccess(func(v int) {
					if v != 7 || !r.Ready() {
						t.Errorf("a callback ran with %d, ready %v", v, r.Ready())
					}
					order = append(order, i)
				})
			}
		})
		group.Go(func() {
			if !r.onReady(func(a *after) { a.stop = func() bool { stopped.Add(1); return true } }) {
				stopped.Add(1)
			}
		})
		group.Go(func() { <-r.Done() })
		group.Wait()
		<-r.Done()
		for _, f := range desk.all {
			f()
		}
		if len(order) != 3 || order[0] != 0 || order[1] != 1 || order[2] != 2 {
			t.Fatalf("callbacks 0, 1 and 2 ran in the order %v", order)
		}
		if n := stopped.Load(); n != 1 {
			t.Fatalf("the watch was ended %d times", n)
		}
		if r.claim() {
			t.Fatal("it can be resolved twice")
		}
	}
}
