//go:build unix

package dashboard_test

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/procpool/procpool"
	"github.com/procpool/procpool/dashboard"
	"github.com/procpool/procpool/event"
	"github.com/procpool/procpool/observe/poollog"
	"github.com/procpool/procpool/observe/poolotel"
	"github.com/procpool/procpool/observe/poolprom"
)

var inc = procpool.Define("dashboard.inc", func(_ context.Context, n int) (int, error) { return n + 1, nil })

// observing are the ways to observe a pool whose cost BenchmarkCost compares. Each begins to and returns how to end. The
// first is not to observe; the second makes the events, and nobody looks at them.
var observing = []struct {
	name  string
	begin func(b *testing.B, pool *procpool.Pool) (end func())
}{
	{"none", func(*testing.B, *procpool.Pool) func() { return func() {} }},
	{"nothing", func(_ *testing.B, p *procpool.Pool) func() { return p.Observe(func(event.Event) {}) }},
	{"log", func(_ *testing.B, p *procpool.Pool) func() {
		return p.Observe(poollog.New(slog.New(slog.NewTextHandler(io.Discard, nil))))
	}},
	{"log-debug", func(_ *testing.B, p *procpool.Pool) func() {
		return p.Observe(poollog.New(slog.New(slog.NewTextHandler(io.Discard, &slog.HandlerOptions{Level: slog.LevelDebug}))))
	}},
	{"prom", func(b *testing.B, p *procpool.Pool) func() {
		c := poolprom.New(p)
		if err := prometheus.NewRegistry().Register(c); err != nil {
			b.Fatal(err)
		}
		return c.Close
	}},
	{"otel", func(_ *testing.B, p *procpool.Pool) func() {
		return p.Observe(poolotel.New(sdk.NewTracerProvider(sdk.WithBatcher(tracetest.NewNoopExporter()))))
	}},
	{"otel-unsampled", func(_ *testing.B, p *procpool.Pool) func() {
		return p.Observe(poolotel.New(sdk.NewTracerProvider(sdk.WithSampler(sdk.NeverSample()))))
	}},
	{"dashboard-open", openPage},
}

// openPage serves a page and reads it, as a browser does.
func openPage(b *testing.B, p *procpool.Pool) func() {
	d := dashboard.New(p)
	server := httptest.NewServer(d)
	resp, err := http.Get(server.URL + "/live")
	if err != nil {
		b.Fatal(err)
	}
	done := make(chan struct{})
	go func() { // ends with the connection
		defer close(done)
		io.Copy(io.Discard, bufio.NewReader(resp.Body))
	}()
	return func() {
		resp.Body.Close()
		<-done
		server.Close()
		d.Close()
	}
}

// BenchmarkCost tells what observing costs a task: in maps of tasks that do nothing, so that all of it shows, and in calls
// that wait for each other. All ways take turns, in a new order each round, with one pool, so that what else the machine
// does meets all of them; figures are medians over the rounds.
//
// "ns" is what the caller waits for a task, "cpu-ns" the processor time that a task costs this process, until the last
// event is observed: observers work beside the tasks, so what they cost shows in the first only where no processor is free.
//
//	go test -run '^$' -bench Cost -benchtime 50x ./dashboard
func BenchmarkCost(b *testing.B) {
	for _, load := range []struct {
		name  string
		tasks int
		run   func(*testing.B, *procpool.Pool)
	}{{"map", mapped, mapAll}, {"apply", applied, applyEach}} {
		b.Run(load.name, func(b *testing.B) {
			pool, err := procpool.New(procpool.Config{Processes: 2})
			if err != nil {
				b.Fatal(err)
			}
			defer pool.Terminate()
			if err := pool.WaitReady(b.Context()); err != nil {
				b.Fatal(err)
			}
			for range 3 { // what is learned and allocated at first is no cost of observing
				load.run(b, pool)
			}
			costs := make([]costs, len(observing))
			for b.Loop() {
				for _, i := range rand.Perm(len(observing)) {
					costs[i].measure(b, pool, i, load.tasks, load.run)
				}
			}
			b.ReportMetric(0, "ns/op") // of all ways together: says nothing
			for i, o := range observing {
				b.ReportMetric(median(costs[i].wall), o.name+"-ns/task")
				b.ReportMetric(median(costs[i].cpu), o.name+"-cpu-ns/task")
			}
		})
	}
}

// costs are what tasks took, one value a round.
type costs struct{ wall, cpu []float64 }

// measure runs tasks while they are observed in the i-th way.
func (c *costs) measure(b *testing.B, pool *procpool.Pool, i, tasks int, run func(*testing.B, *procpool.Pool)) {
	end := observing[i].begin(b, pool)
	seen := func() {}
	if i > 0 { // who comes last sees an event when all others have
		seen = await(pool, tasks)
	}
	runtime.GC() // not the one before's garbage
	cpu, begin := used(b), time.Now()
	run(b, pool)
	wall := time.Since(begin)
	seen()
	c.wall = append(c.wall, float64(wall)/float64(tasks))
	c.cpu = append(c.cpu, float64(used(b)-cpu)/float64(tasks))
	end()
}

// await returns how to wait until so many tasks have been seen to end by an observer.
func await(pool *procpool.Pool, tasks int) (wait func()) {
	done := make(chan struct{})
	stop := pool.Observe(func(e event.Event) {
		if _, ok := e.(event.TaskFinished); ok {
			if tasks--; tasks == 0 {
				close(done)
			}
		}
	})
	return func() { <-done; stop() }
}

// used is the processor time that this process has used.
func used(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}

const (
	mapped  = 10_000
	applied = 1_000
)

func mapAll(b *testing.B, pool *procpool.Pool) {
	if _, err := inc.Map(b.Context(), pool, make([]int, mapped)); err != nil {
		b.Fatal(err)
	}
}

func applyEach(b *testing.B, pool *procpool.Pool) {
	for range applied {
		if _, err := inc.Apply(b.Context(), pool, 1); err != nil {
			b.Fatal(err)
		}
	}
}
