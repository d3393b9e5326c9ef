//go:build unix

package procpool_test

import (
	"os"
	"runtime"
	"syscall"
	"testing"

	"github.com/procpool/procpool"
)

// crewPools runs f with pools that have more workers than are kept at work while tasks are quick, over either transport.
func crewPools(t *testing.T, f func(c *contract, p *procpool.Pool, workers int)) {
	for name, method := range map[string]procpool.StartMethod{
		"spawn":   procpool.Spawn(),
		"command": procpool.Command(os.Args[0]),
	} {
		t.Run(name, func(t *testing.T) {
			c := newContract(t)
			workers := 2*runtime.NumCPU() + 6
			p := c.ready(procpool.Config{Processes: workers, StartMethod: method})
			f(c, p, workers)
			c.shut(p)
		})
	}
}

// Quick tasks are left to a few workers. Long ones that come then run on all of them at once nonetheless, and quick ones do not
// wait for them.
func TestLongTasksAfterQuickOnes(t *testing.T) {
	crewPools(t, func(c *contract, p *procpool.Pool, workers int) {
		g := c.gate()
		for range 3 {
			_, err := ctInc.Map(c.ctx, p, make([]int, 20_000))
			c.must(err)
			long := make([]*procpool.AsyncResult[string], workers-1)
			for i := range long {
				long[i] = ctGate.ApplyAsync(c.ctx, p, g.in("long"))
			}
			var visits []*visit
			for range long {
				visits = append(visits, g.await())
			}
			_, err = ctInc.Map(c.ctx, p, make([]int, 2_000)) // on the one that is left
			c.must(err)
			for _, v := range visits {
				v.pass()
			}
			for _, r := range long {
				_, err := r.Get(c.ctx)
				c.must(err)
			}
		}
	})
}

// Among many quick tasks some take long and some kill their workers: all workers but one come to be held, and every quick task
// is answered meanwhile.
func TestLongAndDeadlyTasksAmongQuickOnes(t *testing.T) {
	crewPools(t, func(c *contract, p *procpool.Pool, workers int) {
		g := c.gate()
		var quick, deadly []*procpool.AsyncResult[int]
		var long []*procpool.AsyncResult[string]
		for i := range 20_000 {
			switch {
			case i%200 == 100 && len(long) < workers-1:
				long = append(long, ctGate.ApplyAsync(c.ctx, p, g.in("long")))
			case i%2000 == 0:
				deadly = append(deadly, ctSignal.ApplyAsync(c.ctx, p, int(syscall.SIGKILL)))
			default:
				quick = append(quick, ctInc.ApplyAsync(c.ctx, p, i))
			}
		}
		var visits []*visit
		for range long {
			visits = append(visits, g.await())
		}
		for _, r := range quick {
			_, err := r.Get(c.ctx)
			c.must(err)
		}
		for _, r := range deadly {
			_, err := r.Get(c.ctx)
			errorAs[*procpool.WorkerError](c, err)
		}
		for _, v := range visits {
			v.pass()
		}
		for _, r := range long {
			_, err := r.Get(c.ctx)
			c.must(err)
		}
	})
}
