// Package poolotel shows the tasks of a pool as OpenTelemetry spans.
//
//	pool, err := procpool.New(procpool.Config{OnEvent: poolotel.New(otel.GetTracerProvider())})
//	...
//	thumb.With(poolotel.Inject(ctx, procpool.CallOptions{})).Apply(ctx, pool, name)
//
// Each task is a span under the one that was injected, from its acceptance to its end; below it, the spans "queue" and
// "run" tell how long it waited and ran. In the worker, which sets up a TracerProvider of its own, the same span is the
// parent of what the task starts:
//
//	ctx, span := tracer.Start(poolotel.Extract(ctx), "resize")
package poolotel

import (
	"context"
	"maps"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/procpool/procpool"
	"github.com/procpool/procpool/event"
	"github.com/procpool/procpool/observe/internal/kind"
)

const scope = "github.com/procpool/procpool/observe/poolotel"

// carried is how a trace travels in CallOptions.Metadata: W3C trace context and baggage.
var carried = propagation.NewCompositeTextMapPropagator(propagation.TraceContext{}, propagation.Baggage{})

// Inject returns options with the span and the baggage of ctx in their Metadata, for a task that is to join the trace.
func Inject(ctx context.Context, o procpool.CallOptions) procpool.CallOptions {
	metadata := maps.Clone(o.Metadata)
	if metadata == nil {
		metadata = map[string]string{}
	}
	carried.Inject(ctx, propagation.MapCarrier(metadata))
	o.Metadata = metadata
	return o
}

// Extract returns ctx, inside a task, with the span that was injected as the parent of further ones.
func Extract(ctx context.Context) context.Context {
	task, _ := procpool.CurrentTask(ctx)
	return carried.Extract(ctx, propagation.MapCarrier(task.Metadata))
}

// New returns an observer that makes spans. They are made when a task ends. Tasks without an injected span begin traces of
// their own; the sampler of provider decides about these.
func New(provider trace.TracerProvider) func(event.Event) {
	o := &observer{tracer: provider.Tracer(scope), notes: map[uint64][]note{}}
	return o.observe
}

// observer makes spans. It is called for one event at a time.
type observer struct {
	tracer trace.Tracer
	notes  map[uint64][]note // of tasks that have not ended
}

// note is what happened to a task on its way.
type note struct {
	at    time.Time
	text  string
	attrs []attribute.KeyValue
}

func (o *observer) observe(e event.Event) {
	switch e := e.(type) {
	case event.TaskRequeued:
		o.note(e.Task, e.Time, "requeued", attribute.String("procpool.worker.name", e.Worker.Name))
	case event.TaskRetried:
		o.note(e.Task, e.Time, "retried", attribute.String("procpool.worker.name", e.Worker.Name), attribute.String("error.type", kind.Of(e.Err)))
	case event.TaskTimedOut:
		o.note(e.Task, e.Time, "timed out", attribute.String("procpool.dump", e.Dump))
	case event.TaskFinished:
		o.finish(e)
	case event.TaskCanceled:
		o.finish(event.TaskFinished{At: e.At, Task: e.Task, Worker: e.Worker, Err: e.Err})
	}
}

func (o *observer) note(t event.Task, at time.Time, text string, attrs ...attribute.KeyValue) {
	o.notes[t.ID] = append(o.notes[t.ID], note{at, text, attrs})
}

// finish makes the spans of a task, which has ended.
func (o *observer) finish(e event.TaskFinished) {
	notes := o.notes[e.Task.ID]
	delete(o.notes, e.Task.ID)
	started := e.Time.Add(-e.Run)
	accepted := started.Add(-e.Wait)
	parent := carried.Extract(context.Background(), propagation.MapCarrier(e.Task.Metadata))
	ctx, span := o.tracer.Start(parent, "task "+e.Task.Name, trace.WithTimestamp(accepted), trace.WithAttributes(
		attribute.String("procpool.task.name", e.Task.Name),
		attribute.Int64("procpool.task.id", int64(e.Task.ID)),
		attribute.Int("procpool.task.attempt", e.Task.Attempt),
	))
	if span.IsRecording() {
		for _, n := range notes {
			span.AddEvent(n.text, trace.WithTimestamp(n.at), trace.WithAttributes(n.attrs...))
		}
		o.part(ctx, "queue", accepted, started)
		if e.Worker.Name != "" {
			o.part(ctx, "run", started, e.Time, attribute.String("procpool.worker.name", e.Worker.Name), attribute.Int("process.pid", e.Worker.PID))
		}
		if e.Err != nil {
			span.SetAttributes(attribute.String("error.type", kind.Of(e.Err)))
			span.SetStatus(codes.Error, e.Err.Error())
		}
	}
	span.End(trace.WithTimestamp(e.Time))
}

func (o *observer) part(ctx context.Context, name string, from, to time.Time, attrs ...attribute.KeyValue) {
	_, span := o.tracer.Start(ctx, name, trace.WithTimestamp(from), trace.WithAttributes(attrs...))
	span.End(trace.WithTimestamp(to))
}
