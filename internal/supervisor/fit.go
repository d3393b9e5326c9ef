package supervisor

import (
	"fmt"
	"slices"

	"github.com/procpool/procpool/internal/codec"
	"github.com/procpool/procpool/internal/queue"
	"github.com/procpool/procpool/internal/wire"
)

// unfit is a task that a worker cannot be given.
type unfit struct {
	queue.Run
	why *queue.Failed
}

// fit returns the payload of a task in JSON, or why the worker cannot be given it.
func (l *link) fit(e *queue.Entry, known bool) (payload []byte, why *queue.Failed) {
	if !known {
		return nil, &queue.Failed{Kind: wire.KindUnknown, Message: l.w.name + " has no such task"}
	}
	payload, err := codec.AppendJSON(nil, e.Call.Payload(e.Item))
	if err == nil && len(payload) > wire.MaxPayload {
		err = fmt.Errorf("%d bytes of JSON are more than the limit of %d", len(payload), wire.MaxPayload)
	}
	if err != nil {
		return nil, &queue.Failed{Kind: wire.KindArgument, Message: err.Error()}
	}
	return payload, nil
}

// refuse resolves tasks that the worker cannot be given. It returns the owners of other seats, which nobody else will feed.
func (l *link) refuse(list []unfit) (others []any) {
	if len(list) == 0 {
		return nil
	}
	var d queue.Settled
	for i := range list {
		r := &list[i].Run
		l.resolve(r, []queue.Outcome{{Err: list[i].why}}, &d, turns{since: r.Taken}, 0)
	}
	return l.settle(d)
}

// speaksJSON tells which of a worker's codecs is used: CBOR if it has it.
func speaksJSON(codecs []string) (json bool, err error) {
	switch {
	case len(codecs) == 0, slices.Contains(codecs, "cbor"):
		return false, nil
	case slices.Contains(codecs, "json"):
		return true, nil
	}
	return false, fmt.Errorf("it speaks %q, this pool cbor and json", codecs)
}
