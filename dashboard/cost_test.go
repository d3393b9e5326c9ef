//go:build unix

package dashboard_test

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

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

// observing are the ways to observe a pool whose cost BenchmarkCost compares. Each begins to and returns how to end.
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

// BenchmarkCost tells what observing costs a task: in a map of tasks that do nothing, so that all of it shows, and in
// calls that wait for each other.
func BenchmarkCost(b *testing.B) {
	for _, o := range observing {
		for name, run := range map[string]func(*testing.B, *procpool.Pool){"map": mapAll, "apply": applyEach} {
			b.Run(name+"/"+o.name, func(b *testing.B) {
				pool, err := procpool.New(procpool.Config{Processes: 2})
				if err != nil {
					b.Fatal(err)
				}
				defer pool.Terminate()
				if err := pool.WaitReady(b.Context()); err != nil {
					b.Fatal(err)
				}
				defer o.begin(b, pool)()
				run(b, pool)
			})
		}
	}
}

const mapped = 10_000

func mapAll(b *testing.B, pool *procpool.Pool) {
	in := make([]int, mapped)
	for b.Loop() {
		if _, err := inc.Map(b.Context(), pool, in); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/mapped, "ns/task")
}

func applyEach(b *testing.B, pool *procpool.Pool) {
	for b.Loop() {
		if _, err := inc.Apply(b.Context(), pool, 1); err != nil {
			b.Fatal(err)
		}
	}
}
