//go:build unix

package python

import (
	"fmt"
	"os/exec"
	"slices"
	"testing"
	"time"

	"github.com/procpool/procpool"
)

const noops = `
import procpool

@procpool.task
def noop(n): pass

procpool.serve()
`

// BenchmarkPeer runs tasks that do nothing in two Python processes, in rounds that alternate between this pool and
// CPython's own. It reports the medians, in tasks per second, and how many times faster this one is. The goals are 5 for
// calls, and 1.5 for workers that each run one task.
func BenchmarkPeer(b *testing.B) {
	for _, tt := range []struct {
		name, method string
		limit, tasks int
	}{
		{"calls", "fork", 0, 20_000},
		{"onePerWorker", "spawn", 1, 20},
	} {
		b.Run(tt.name, func(b *testing.B) {
			ours := ourRounds(b, procpool.Config{Processes: 2, MaxTasksPerChild: tt.limit})
			theirs := peerRounds(b, tt.method, tt.limit)
			var our, their []float64
			for b.Loop() {
				our = append(our, float64(tt.tasks)/ours(tt.tasks).Seconds())
				their = append(their, float64(tt.tasks)/theirs(tt.tasks).Seconds())
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(median(our), "tasks/s")
			b.ReportMetric(median(their), "cpython-tasks/s")
			b.ReportMetric(median(our)/median(their), "times")
		})
	}
}

func median(list []float64) float64 {
	slices.Sort(list)
	return list[len(list)/2]
}

// ourRounds returns a function that runs n tasks and tells how long they took.
func ourRounds(b *testing.B, cfg procpool.Config) func(n int) time.Duration {
	o := script(b, noops)
	o.Python = interpreters(b)[0] // the peer's, and no wrapper around it, which would run at every start
	pool := newPool(b, cfg, o)
	noop := procpool.Declare[int, any]("noop")
	return func(n int) time.Duration {
		begin := time.Now()
		results := make([]*procpool.AsyncResult[any], n)
		for i := range results {
			results[i] = noop.ApplyAsync(b.Context(), pool, i)
		}
		for _, r := range results {
			if _, err := r.Get(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
		return time.Since(begin)
	}
}

func peerRounds(b *testing.B, method string, limit int) func(n int) time.Duration {
	peer := exec.Command(interpreters(b)[0], "testdata/peer.py", method, fmt.Sprint(limit))
	in, _ := peer.StdinPipe()
	out, _ := peer.StdoutPipe()
	if err := peer.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { in.Close(); peer.Wait() })
	return func(n int) time.Duration {
		var seconds float64
		fmt.Fprintln(in, n)
		if _, err := fmt.Fscanln(out, &seconds); err != nil {
			b.Fatal(err)
		}
		return time.Duration(seconds * float64(time.Second))
	}
}
