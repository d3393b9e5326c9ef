//go:build unix

package poolotel_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"go.opentelemetry.io/otel/codes"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/procpool/procpool"
	"github.com/procpool/procpool/observe/poolotel"
)

// remote is a span of a worker, as it comes back for the test.
type remote struct{ Name, Trace, Parent string }

// inside makes a span in the worker, with a provider and an exporter of the worker's own.
var inside = procpool.Define("poolotel.inside", func(ctx context.Context, name string) (remote, error) {
	spans := tracetest.NewInMemoryExporter()
	provider := sdk.NewTracerProvider(sdk.WithSyncer(spans))
	_, span := provider.Tracer("worker").Start(poolotel.Extract(ctx), name)
	span.End()
	s := spans.GetSpans()[0]
	return remote{s.Name, s.SpanContext.TraceID().String(), s.Parent.SpanID().String()}, nil
})

// dying appends to a file which span is the parent of what it would start. Its first worker dies.
var dying = procpool.Define("poolotel.dying", func(ctx context.Context, file string) (int, error) {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return 0, err
	}
	fmt.Fprintln(f, trace.SpanContextFromContext(poolotel.Extract(ctx)).SpanID())
	if task, _ := procpool.CurrentTask(ctx); task.Attempt == 1 {
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
	return 0, errors.New("aua")
})

// waiting says through a named pipe that it has begun, and waits for its end.
var waiting = procpool.Define("poolotel.waiting", func(ctx context.Context, pipe string) (int, error) {
	if err := os.WriteFile(pipe, []byte("begun"), 0); err != nil {
		return 0, err
	}
	<-ctx.Done()
	return 0, ctx.Err()
})

// A worker built with the race detector would take a second to exit.
func init() { os.Setenv("GORACE", "atexit_sleep_ms=0") }

func TestMain(m *testing.M) {
	procpool.WorkerMain()
	os.Exit(m.Run())
}

// one returns the only span of a name.
func one(t *testing.T, spans tracetest.SpanStubs, name string) tracetest.SpanStub {
	t.Helper()
	var found []tracetest.SpanStub
	for _, s := range spans {
		if s.Name == name {
			found = append(found, s)
		}
	}
	if len(found) != 1 {
		t.Fatalf("there are %d spans %q", len(found), name)
	}
	return found[0]
}

func below(t *testing.T, child, parent tracetest.SpanStub) {
	t.Helper()
	if child.Parent.SpanID() != parent.SpanContext.SpanID() || child.SpanContext.TraceID() != parent.SpanContext.TraceID() {
		t.Errorf("%q is not below %q", child.Name, parent.Name)
	}
	if child.StartTime.Before(parent.StartTime) || child.EndTime.After(parent.EndTime) {
		t.Errorf("%q is not within %q", child.Name, parent.Name)
	}
}

// traced is a pool whose spans are kept.
type traced struct {
	*procpool.Pool
	*poolotel.Tracing
	trace.Tracer
	spans *tracetest.InMemoryExporter
}

func start(t *testing.T, cfg procpool.Config, opts ...sdk.TracerProviderOption) *traced {
	t.Helper()
	spans := tracetest.NewInMemoryExporter()
	provider := sdk.NewTracerProvider(append(opts, sdk.WithSyncer(spans))...)
	tracing := poolotel.NewTracing(provider)
	cfg.OnEvent, cfg.Stderr = tracing.Observe, io.Discard
	pool, err := procpool.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Terminate)
	return &traced{pool, tracing, provider.Tracer("test"), spans}
}

// end shuts the pool down and returns the spans.
func (p *traced) end(t *testing.T) tracetest.SpanStubs {
	t.Helper()
	if err := p.Shutdown(context.Background()); err != nil {
		t.Fatal(err)
	}
	return p.spans.GetSpans()
}

// The spans of the pool and those of the worker are one trace: what a task starts hangs below its run where the provider
// lets its ID be chosen, else below what was injected.
func TestTrace(t *testing.T) {
	for _, c := range []struct {
		name   string
		below  string
		inject func(*traced, context.Context, procpool.CallOptions) procpool.CallOptions
		opts   []sdk.TracerProviderOption
	}{
		{"chosen IDs", "run", (*traced).Inject, []sdk.TracerProviderOption{sdk.WithIDGenerator(poolotel.IDs{})}},
		{"chosen IDs above others", "run", (*traced).Inject, []sdk.TracerProviderOption{sdk.WithIDGenerator(poolotel.IDs{Base: poolotel.IDs{}})}},
		{"other IDs", "request", (*traced).Inject, nil},
		{"plain", "request", func(_ *traced, ctx context.Context, o procpool.CallOptions) procpool.CallOptions {
			return poolotel.Inject(ctx, o)
		}, []sdk.TracerProviderOption{sdk.WithIDGenerator(poolotel.IDs{})}},
	} {
		t.Run(c.name, func(t *testing.T) {
			pool := start(t, procpool.Config{Processes: 1}, c.opts...)
			ctx, span := pool.Start(t.Context(), "request")
			opts := c.inject(pool, ctx, procpool.CallOptions{Metadata: map[string]string{"user": "7"}})
			got, err := inside.With(opts).Apply(ctx, pool.Pool, "resize")
			if err != nil {
				t.Fatal(err)
			}
			span.End()
			spans := pool.end(t)
			if len(spans) != 4 {
				t.Errorf("there are %d spans, want the request and three of the task", len(spans))
			}
			request, task, queue, run := one(t, spans, "request"), one(t, spans, "task poolotel.inside"), one(t, spans, "queue"), one(t, spans, "run")
			if task.Parent.SpanID() != request.SpanContext.SpanID() {
				t.Error("the task is not below the request")
			}
			below(t, queue, task)
			below(t, run, task)
			if !queue.EndTime.Equal(run.StartTime) {
				t.Errorf("queue ends at %v, run begins at %v", queue.EndTime, run.StartTime)
			}
			parent := one(t, spans, c.below).SpanContext
			if want := (remote{"resize", parent.TraceID().String(), parent.SpanID().String()}); got != want {
				t.Errorf("the worker made %+v, want %+v", got, want)
			}
		})
	}
}

// Items of a map share their options, and still each has a run of its own.
func TestTraceOfMap(t *testing.T) {
	pool := start(t, procpool.Config{Processes: 2}, sdk.WithIDGenerator(poolotel.IDs{}))
	ctx, span := pool.Start(t.Context(), "request")
	defer span.End()
	task := inside.With(pool.Inject(ctx, procpool.CallOptions{}))
	parents := map[string]bool{}
	const n = 100
	for range 2 { // two maps with the same options, too
		got, err := task.Map(ctx, pool.Pool, make([]string, n))
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range got {
			parents[r.Parent] = true
		}
	}
	if len(parents) != 2*n {
		t.Errorf("%d tasks found %d parents", 2*n, len(parents))
	}
	for _, s := range pool.end(t) {
		if s.Name == "run" {
			delete(parents, s.SpanContext.SpanID().String())
		}
	}
	if len(parents) > 0 {
		t.Errorf("%d parents are no run", len(parents))
	}
}

// What happens on the way is on the span, and so is how it ended. An attempt whose worker died has its run, too.
func TestEventsAndStatus(t *testing.T) {
	pool := start(t, procpool.Config{Processes: 1}, sdk.WithIDGenerator(poolotel.IDs{}))
	ctx, span := pool.Start(t.Context(), "request")
	defer span.End()
	file := filepath.Join(t.TempDir(), "parents")
	dying.With(pool.Inject(ctx, procpool.CallOptions{Retries: 1})).Apply(ctx, pool.Pool, file)
	spans := pool.end(t)
	task := one(t, spans, "task poolotel.dying")
	if len(task.Events) != 1 || task.Events[0].Name != "retried" || task.Status.Description != "task poolotel.dying: aua" {
		t.Errorf("got %+v, %+v", task.Events, task.Status)
	}
	var runs []string
	for _, s := range spans {
		if s.Name == "run" {
			below(t, s, task)
			runs = append(runs, s.SpanContext.SpanID().String())
			if s.Status.Code != codes.Error {
				t.Errorf("a run that failed has %+v", s.Status)
			}
		}
	}
	said, err := os.ReadFile(file)
	if parents := strings.Fields(string(said)); err != nil || len(parents) != 2 || !slices.Equal(parents, runs) {
		t.Errorf("the attempts were below %q, %v, and the runs are %q", parents, err, runs)
	}
}

// A task that is canceled while it runs was queued and ran for as long as it did.
func TestCanceled(t *testing.T) {
	pool := start(t, procpool.Config{Processes: 1, Grace: -1})
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	r := waiting.ApplyAsync(t.Context(), pool.Pool, pipe)
	if _, err := os.ReadFile(pipe); err != nil {
		t.Fatal(err)
	}
	r.Cancel()
	if _, err := r.Get(t.Context()); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	spans := pool.end(t)
	task, run := one(t, spans, "task poolotel.waiting"), one(t, spans, "run")
	below(t, one(t, spans, "queue"), task)
	below(t, run, task)
	if !run.EndTime.After(run.StartTime) || task.Status.Code != codes.Error {
		t.Errorf("the run is %v to %v, the task has %+v", run.StartTime, run.EndTime, task.Status)
	}
}
