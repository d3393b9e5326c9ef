//go:build unix

package poolotel_test

import (
	"context"
	"errors"
	"io"
	"os"
	"syscall"
	"testing"

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

var dying = procpool.Define("poolotel.dying", func(ctx context.Context, _ int) (int, error) {
	if task, _ := procpool.CurrentTask(ctx); task.Attempt == 1 {
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
	return 0, errors.New("aua")
})

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

func start(t *testing.T) (*procpool.Pool, trace.Tracer, func() tracetest.SpanStubs) {
	t.Helper()
	spans := tracetest.NewInMemoryExporter()
	provider := sdk.NewTracerProvider(sdk.WithSyncer(spans))
	pool, err := procpool.New(procpool.Config{Processes: 1, OnEvent: poolotel.New(provider), Stderr: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Terminate)
	return pool, provider.Tracer("test"), func() tracetest.SpanStubs {
		if err := pool.Shutdown(context.Background()); err != nil {
			t.Fatal(err)
		}
		return spans.GetSpans()
	}
}

// The spans of the pool and those of the worker are one trace.
func TestTrace(t *testing.T) {
	pool, tracer, end := start(t)
	ctx, span := tracer.Start(t.Context(), "request")
	opts := poolotel.Inject(ctx, procpool.CallOptions{Metadata: map[string]string{"user": "7"}})
	got, err := inside.With(opts).Apply(ctx, pool, "resize")
	if err != nil {
		t.Fatal(err)
	}
	spans := func() tracetest.SpanStubs { s := end(); span.End(); return s }()
	task := one(t, spans, "task poolotel.inside")
	if task.Parent.SpanID() != span.SpanContext().SpanID() {
		t.Error("the task is not below the request")
	}
	queue, run := one(t, spans, "queue"), one(t, spans, "run")
	below(t, queue, task)
	below(t, run, task)
	if !queue.EndTime.Equal(run.StartTime) {
		t.Errorf("queue ends at %v, run begins at %v", queue.EndTime, run.StartTime)
	}
	want := remote{"resize", task.SpanContext.TraceID().String(), span.SpanContext().SpanID().String()}
	if got != want {
		t.Errorf("the worker made %+v, want %+v", got, want)
	}
}

// What happens on the way is on the span, and so is how it ended.
func TestEventsAndStatus(t *testing.T) {
	pool, _, end := start(t)
	dying.With(procpool.CallOptions{Retries: 1}).Apply(t.Context(), pool, 0)
	task := one(t, end(), "task poolotel.dying")
	if len(task.Events) != 1 || task.Events[0].Name != "retried" || task.Status.Description != "task poolotel.dying: aua" {
		t.Errorf("got %+v, %+v", task.Events, task.Status)
	}
}
