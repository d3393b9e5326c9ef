//go:build unix

package procpool_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"syscall"
	"testing"

	"github.com/procpool/procpool"
)

// imapMortal returns its argument, unless that is deadly.
var imapMortal = procpool.Define("imap.mortal", func(_ context.Context, n int) (int, error) {
	if imapDeadly(n) {
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
	return n, nil
})

func imapDeadly(n int) bool { return n%701 == 350 }

// A worker that dies in the middle of a batch costs the one value that it ran: each of the others, before it and behind, is
// yielded once. And the input may wait for all that it has yielded, whatever died of that.
func TestIMapWorkerDies(t *testing.T) {
	for name, method := range map[string]procpool.StartMethod{"ring": procpool.Spawn(), "pipe": procpool.Command("/proc/self/exe")} {
		for _, ordered := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s/ordered=%v", name, ordered), func(t *testing.T) {
				c := newContract(t)
				p := c.pool(procpool.Config{Processes: 2, StartMethod: method})
				const n = 5000
				var mu sync.Mutex
				var seen []int
				more := sync.NewCond(&mu)
				input := func(yield func(int) bool) {
					for i := range n {
						mu.Lock()
						for i%1000 == 999 && len(seen) < i {
							more.Wait()
						}
						mu.Unlock()
						if !yield(i) {
							return
						}
					}
				}
				got := func(i, v int, err error) {
					mu.Lock()
					defer mu.Unlock()
					seen = append(seen, i)
					more.Broadcast()
					var died *procpool.WorkerError
					if errors.As(err, &died) != imapDeadly(i) || err == nil && v != i || err != nil && died == nil {
						t.Errorf("value %d gives %d, %v", i, v, err)
					}
				}
				if ordered {
					i := 0
					for v, err := range imapMortal.IMap(c.ctx, p, input) {
						got(i, v, err)
						i++
					}
				} else {
					for it := range imapMortal.IMapUnordered(c.ctx, p, input) {
						got(it.Index, it.Value, it.Err)
					}
				}
				slices.Sort(seen)
				if len(seen) != n || len(slices.Compact(seen)) != n {
					t.Errorf("%d values were yielded, want each of %d once", len(seen), n)
				}
				c.shut(p)
			})
		}
	}
}
