package poolotel

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"

	"go.opentelemetry.io/otel/trace"

	"github.com/procpool/procpool"
)

// IDs is the IDGenerator of a TracerProvider whose "run" spans are to be the parents of what their tasks start in the
// worker: see [Tracing]. All other IDs come from Base, or are random.
//
// A worker makes spans while the span that they hang below does not exist yet, for it is made when the task ends, and
// perhaps dies. So both sides derive its ID from what they know of the task, and a provider lets nobody but its
// IDGenerator choose one.
type IDs struct {
	Base interface {
		NewIDs(ctx context.Context) (trace.TraceID, trace.SpanID)
		NewSpanID(ctx context.Context, traceID trace.TraceID) trace.SpanID
	}
}

// NewIDs implements IDGenerator.
func (g IDs) NewIDs(ctx context.Context) (t trace.TraceID, s trace.SpanID) {
	if g.Base != nil {
		return g.Base.NewIDs(ctx)
	}
	rand.Read(t[:])
	rand.Read(s[:])
	return t, s
}

// NewSpanID implements IDGenerator.
func (g IDs) NewSpanID(ctx context.Context, t trace.TraceID) (s trace.SpanID) {
	if id, ok := ctx.Value(chosen{}).(trace.SpanID); ok {
		return id
	}
	if g.Base != nil {
		return g.Base.NewSpanID(ctx, t)
	}
	rand.Read(s[:])
	return s
}

type chosen struct{}

// choose has the next span that starts with the context get an ID, if its provider uses IDs.
func choose(ctx context.Context, id trace.SpanID) context.Context {
	return context.WithValue(ctx, chosen{}, id)
}

// chooses reports whether spans of a tracer get the IDs that are chosen. It starts a span that belongs to no trace that is
// recorded, and does not end it, so that nobody hears of it whatever the sampler says.
func chooses(tracer trace.Tracer) bool {
	t, parent := IDs{}.NewIDs(context.Background())
	want := IDs{}.NewSpanID(context.Background(), t)
	ctx := trace.ContextWithRemoteSpanContext(context.Background(), trace.NewSpanContext(trace.SpanContextConfig{TraceID: t, SpanID: parent, Remote: true}))
	_, span := tracer.Start(choose(ctx, want), "procpool")
	return span.SpanContext().SpanID() == want
}

// nonceKey is in the Metadata of a task whose "run" span has a derived ID. Its value tells apart what is injected twice.
const nonceKey = "procpool-run"

// runID is the ID of the span "run" of an attempt: the same in the pool's process and in the worker's.
func runID(nonce string, injected trace.SpanContext, task procpool.TaskInfo, worker string) (id trace.SpanID) {
	trace, span := injected.TraceID(), injected.SpanID()
	b := append(trace[:], span[:]...)
	b = binary.BigEndian.AppendUint64(b, task.ID)
	b = binary.BigEndian.AppendUint64(b, uint64(task.Attempt))
	sum := sha256.Sum256(append(b, nonce+" "+worker...))
	copy(id[:], sum[:])
	return id
}
