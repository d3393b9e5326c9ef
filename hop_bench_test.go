package procpool_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/procpool/procpool"
)

var (
	hopNoop = procpool.Define("hop.noop", func(_ context.Context, n int) (int, error) { return n, nil })
	hopEcho = procpool.Define("hop.echo", func(_ context.Context, b []byte) ([]byte, error) { return b, nil })
	hopView = procpool.Define("hop.view", func(_ context.Context, v procpool.View) (int, error) { return len(v), nil })
)

// hopSizes are the payloads of every hop's benchmark, so that hops can be subtracted from each other.
var hopSizes = []struct {
	name  string
	bytes int
}{{"empty", 0}, {"4KiB", 4 << 10}, {"1MiB", 1 << 20}}

// overEach runs a benchmark on a warm pool of so many workers over each transport.
func overEach(b *testing.B, processes int, run func(*testing.B, *procpool.Pool)) {
	for _, over := range []struct {
		name   string
		method procpool.StartMethod
	}{{"ring", procpool.Spawn()}, {"pipe", procpool.Command("/proc/self/exe")}, {"memory", procpool.Goroutines()}} {
		b.Run(over.name, func(b *testing.B) {
			p, err := procpool.New(procpool.Config{Processes: processes, StartMethod: over.method})
			if err != nil {
				b.Fatal(err)
			}
			defer p.Terminate()
			if err := p.WaitReady(b.Context()); err != nil {
				b.Fatal(err)
			}
			run(b, p)
		})
	}
}

func mustBench(b *testing.B, err error) {
	if err != nil {
		b.Helper()
		b.Fatal(err)
	}
}

// A whole call, one after another.
func BenchmarkHopApply(b *testing.B) {
	overEach(b, 1, func(b *testing.B, p *procpool.Pool) {
		ctx := context.Background()
		b.Run("int", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, err := hopNoop.Apply(ctx, p, 1)
				mustBench(b, err)
			}
		})
		for _, size := range hopSizes {
			payload := make([]byte, size.bytes)
			b.Run("echo/"+size.name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					_, err := hopEcho.Apply(ctx, p, payload)
					mustBench(b, err)
				}
			})
			b.Run("view/"+size.name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					_, err := hopView.Apply(ctx, p, payload)
					mustBench(b, err)
				}
			})
		}
	})
}

// A task among many that are handed in singly: ns/task.
func BenchmarkHopAsync(b *testing.B) {
	overEach(b, 1, func(b *testing.B, p *procpool.Pool) {
		b.ReportAllocs()
		results := make([]*procpool.AsyncResult[int], 10_000)
		for b.Loop() {
			for i := range results {
				results[i] = hopNoop.ApplyAsync(context.Background(), p, i)
			}
			for _, r := range results {
				_, err := r.Get(context.Background())
				mustBench(b, err)
			}
		}
		perTask(b, len(results))
	})
}

// An item of a Map: ns/task.
func BenchmarkHopMap(b *testing.B) {
	for _, processes := range []int{1, 2} {
		b.Run(fmt.Sprint("workers=", processes), func(b *testing.B) {
			overEach(b, processes, func(b *testing.B, p *procpool.Pool) {
				b.ReportAllocs()
				in := make([]int, 100_000)
				for b.Loop() {
					_, err := hopNoop.Map(context.Background(), p, in)
					mustBench(b, err)
				}
				perTask(b, len(in))
			})
		})
	}
}

func perTask(b *testing.B, tasks int) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(tasks), "ns/task")
}
