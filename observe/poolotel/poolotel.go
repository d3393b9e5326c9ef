// Package poolotel shows the tasks of a pool as OpenTelemetry spans.
//
//	provider := sdktrace.NewTracerProvider(sdktrace.WithIDGenerator(poolotel.IDs{}), ...)
//	tracing := poolotel.NewTracing(provider)
//	pool, err := procpool.New(procpool.Config{OnEvent: tracing.Observe})
//	...
//	thumb.With(tracing.Inject(ctx, procpool.CallOptions{})).Apply(ctx, pool, name)
//
// Each task is a span under the one that was injected, from its acceptance to its end; below it, the spans "queue" and
// "run" tell how long it waited and ran, with a "run" for each attempt. In the worker, which sets up a TracerProvider of
// its own, "run" is the parent of what the task starts:
//
//	ctx, span := tracer.Start(poolotel.Extract(ctx), "resize")
//
// That takes a provider whose IDs are made by [IDs]. Where it can't be had, what a task starts hangs below the injected
// span, beside the task's: that is what [New] and [Inject] do, and Tracing with such a provider.
package poolotel

import (
	"context"
	"crypto/rand"
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
	delete(metadata, nonceKey)
	carried.Inject(ctx, propagation.MapCarrier(metadata))
	o.Metadata = metadata
	return o
}

// Extract returns ctx, inside a task, with the span that is to be the parent of further ones: the task's "run" where
// [Tracing.Inject] saw to that, else the one that was injected.
func Extract(ctx context.Context) context.Context {
	task, _ := procpool.CurrentTask(ctx)
	ctx = carried.Extract(ctx, propagation.MapCarrier(task.Metadata))
	nonce, derived := task.Metadata[nonceKey]
	parent := trace.SpanContextFromContext(ctx)
	if !derived || !parent.IsValid() {
		return ctx
	}
	worker, _ := procpool.CurrentWorker(ctx)
	return trace.ContextWithRemoteSpanContext(ctx, parent.WithSpanID(runID(nonce, parent, task, worker.Name)))
}

// New returns an observer that makes spans. They are made when a task ends. Tasks without an injected span begin traces of
// their own; the sampler of provider decides about these.
func New(provider trace.TracerProvider) func(event.Event) { return newTracing(provider).Observe }

// Tracing makes the spans of pools.
type Tracing struct {
	tracer  trace.Tracer
	derives bool              // the provider uses IDs
	notes   map[uint64][]note // of tasks that have not ended
}

// NewTracing returns a Tracing for one pool. A provider that makes its IDs with [IDs] lets what tasks start hang below
// their "run".
func NewTracing(provider trace.TracerProvider) *Tracing {
	t := newTracing(provider)
	t.derives = chooses(t.tracer)
	return t
}

func newTracing(provider trace.TracerProvider) *Tracing {
	return &Tracing{tracer: provider.Tracer(scope), notes: map[uint64][]note{}}
}

// Inject is the function of that name, and has the worker hang what the task starts below the task's "run", if the
// provider can.
func (t *Tracing) Inject(ctx context.Context, o procpool.CallOptions) procpool.CallOptions {
	o = Inject(ctx, o)
	if t.derives {
		o.Metadata[nonceKey] = rand.Text()
	}
	return o
}

// note is what happened to a task on its way.
type note struct {
	event.At
	text   string
	attrs  []attribute.KeyValue
	died   int // the attempt that ended so; 0: none
	worker event.Worker
	ran    time.Duration
	err    error
}

// Observe makes the spans: give it to Config.OnEvent or Pool.Observe, of one pool.
func (t *Tracing) Observe(e event.Event) {
	switch e := e.(type) {
	case event.TaskRequeued:
		t.note(e.Task, note{At: e.At, text: "requeued", attrs: of(e.Worker)})
	case event.TaskRetried:
		attrs := append(of(e.Worker), attribute.String("error.type", kind.Of(e.Err)))
		t.note(e.Task, note{At: e.At, text: "retried", attrs: attrs, died: e.Task.Attempt, worker: e.Worker, ran: e.Run, err: e.Err})
	case event.TaskTimedOut:
		t.note(e.Task, note{At: e.At, text: "timed out", attrs: []attribute.KeyValue{attribute.String("procpool.dump", e.Dump)}})
	case event.TaskFinished:
		t.finish(e)
	case event.TaskCanceled:
		t.finish(event.TaskFinished(e))
	}
}

func of(w event.Worker) []attribute.KeyValue {
	return []attribute.KeyValue{attribute.String("procpool.worker.name", w.Name), attribute.Int("process.pid", w.PID)}
}

func (t *Tracing) note(of event.Task, n note) { t.notes[of.ID] = append(t.notes[of.ID], n) }

// finish makes the spans of a task, which has ended.
func (t *Tracing) finish(e event.TaskFinished) {
	notes := t.notes[e.Task.ID]
	delete(t.notes, e.Task.ID)
	started := e.Time.Add(-e.Run)
	accepted := started.Add(-e.Wait)
	parent := carried.Extract(context.Background(), propagation.MapCarrier(e.Task.Metadata))
	ctx, span := t.tracer.Start(parent, "task "+e.Task.Name, trace.WithTimestamp(accepted), trace.WithAttributes(
		attribute.String("procpool.task.name", e.Task.Name),
		attribute.Int64("procpool.task.id", int64(e.Task.ID)),
		attribute.Int("procpool.task.attempt", e.Task.Attempt),
	))
	if span.IsRecording() {
		runs := t.attempts(parent, e, notes)
		if len(runs) > 0 {
			started = runs[0].from
		}
		for _, n := range notes {
			span.AddEvent(n.text, trace.WithTimestamp(n.Time), trace.WithAttributes(n.attrs...))
		}
		t.part(ctx, "queue", accepted, started, nil)
		for _, r := range runs {
			ctx := ctx
			if r.derived {
				ctx = choose(ctx, r.id)
			}
			t.part(ctx, "run", r.from, r.to, r.err, of(r.worker)...)
		}
		fail(span, e.Err)
	}
	span.End(trace.WithTimestamp(e.Time))
}

// attempt is one run of a task.
type attempt struct {
	derived  bool         // the worker knows it, too, by this
	id       trace.SpanID // ID
	worker   event.Worker
	from, to time.Time
	err      error
}

// attempts returns the runs of a task, in order. Those that died are in its notes.
func (t *Tracing) attempts(parent context.Context, e event.TaskFinished, notes []note) (runs []attempt) {
	nonce, derived := e.Task.Metadata[nonceKey]
	injected := trace.SpanContextFromContext(parent)
	add := func(n int, w event.Worker, end time.Time, ran time.Duration, err error) {
		r := attempt{worker: w, from: end.Add(-ran), to: end, err: err}
		r.derived = derived && injected.IsValid()
		if r.derived {
			r.id = runID(nonce, injected, procpool.TaskInfo{ID: e.Task.ID, Attempt: n}, w.Name)
		}
		runs = append(runs, r)
	}
	for _, n := range notes {
		if n.died > 0 {
			add(n.died, n.worker, n.Time, n.ran, n.err)
		}
	}
	if e.Worker.Name != "" && (e.Run > 0 || e.Err == nil) { // else it was in a worker, which did not begin it
		add(e.Task.Attempt, e.Worker, e.Time, e.Run, e.Err)
	}
	return runs
}

func (t *Tracing) part(ctx context.Context, name string, from, to time.Time, err error, attrs ...attribute.KeyValue) {
	_, span := t.tracer.Start(ctx, name, trace.WithTimestamp(from), trace.WithAttributes(attrs...))
	fail(span, err)
	span.End(trace.WithTimestamp(to))
}

func fail(span trace.Span, err error) {
	if err != nil {
		span.SetAttributes(attribute.String("error.type", kind.Of(err)))
		span.SetStatus(codes.Error, err.Error())
	}
}
