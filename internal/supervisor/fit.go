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
	queue.Entry
	why *queue.Failed
}

// fitLocked returns the worker's number of a task, and the payload in the worker's codec.
func (l *link) fitLocked(e *queue.Entry) (number uint16, payload []byte, why *queue.Failed) {
	number, ok := l.tasks[e.Call.Task.Name]
	if !ok {
		return 0, nil, &queue.Failed{Kind: wire.KindUnknown, Message: l.w.name + " has no such task"}
	}
	payload = e.Call.Payload(e.Item)
	if !l.json {
		return number, payload, nil
	}
	payload, err := codec.AppendJSON(nil, payload)
	if err == nil && len(payload) > wire.MaxPayload {
		err = fmt.Errorf("%d bytes of JSON are more than the limit of %d", len(payload), wire.MaxPayload)
	}
	if err != nil {
		return 0, nil, &queue.Failed{Kind: wire.KindArgument, Message: err.Error()}
	}
	return number, payload, nil
}

// refuse resolves tasks that the worker cannot be given.
func (l *link) refuse(list []unfit) {
	if len(list) == 0 {
		return
	}
	var d queue.Settled
	for i := range list {
		e := &list[i].Entry
		l.resolve(e, &queue.Outcome{Err: list[i].why}, &d, span{wait: e.Taken - e.Call.Accepted})
	}
	l.settle(d)
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
