//go:build unix

package procpool_test

import (
	"context"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/procpool/procpool"
)

// endsBadly makes a worker end in the given way when it leaves.
var endsBadly = procpool.DefineInitializer("recycle.end", func(_ context.Context, how string) (func(), error) {
	return func() {
		switch how {
		case "killed":
			syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		case "exits":
			os.Exit(3)
		case "hangs":
			select {}
		}
	}, nil
})

var endName = procpool.Define("recycle.name", func(ctx context.Context, _ int) (string, error) {
	w, _ := procpool.CurrentWorker(ctx)
	return w.Name, nil
})

// A worker leaves by itself after the last task of its life. Whatever becomes of it then, before the pool has told it
// anything, no task is lost or run again, and its life was as long as it should be.
func TestRecycleEndsBadly(t *testing.T) {
	for over, method := range map[string]procpool.StartMethod{"ring": procpool.Spawn(), "pipe": procpool.Command("/proc/self/exe")} {
		for _, how := range []string{"killed", "exits", "hangs"} {
			t.Run(over+"/"+how, func(t *testing.T) {
				c := newContract(t)
				p := c.pool(procpool.Config{
					Processes: 2, StartMethod: method, MaxTasksPerChild: 3, Grace: 50 * time.Millisecond, Initializer: endsBadly.Bind(how),
				})
				names, err := endName.Map(c.ctx, p, make([]int, 30))
				c.must(err)
				ran := map[string]int{}
				for _, name := range names {
					ran[name]++
				}
				fewer := 0
				for name, n := range ran {
					if n > 3 {
						t.Errorf("%s ran %d tasks, want 3", name, n)
					}
					if n < 3 {
						fewer++
					}
				}
				if fewer > 2 { // those who are there at the end
					t.Errorf("%d workers left before their time: %v", fewer, ran)
				}
				c.shut(p)
				if s := p.Stats(); s.Succeeded != 30 || s.Retried != 0 || s.Failing != nil {
					t.Errorf("%+v", s)
				}
			})
		}
	}
}
