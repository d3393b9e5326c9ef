package procpool

import (
	"context"
	"errors"
	"testing"

	"github.com/procpool/procpool/internal/queue"
)

// While a piece of an IMap runs, the circuit opens and aborts it. The consumer has the error then; the answer that comes
// late must not touch what he holds.
func TestPieceIsSetOnce(t *testing.T) {
	task := Declare[int, int]("x")
	s := &stream[int, int]{ctx: context.Background(), task: task, room: make(chan struct{}, 1), news: make(chan struct{}, 1)}
	p := &piece[int, int]{run: s}
	p.call.Task = &task.core.plain.task
	if !s.enlist(p) {
		t.Fatal("not enlisted")
	}
	reason := errors.New("circuit")
	p.Abort(reason)
	seven := 7
	payload, err := task.core.out.Append(nil, &seven)
	if err != nil {
		t.Fatal(err)
	}
	late := []queue.Outcome{{Payload: payload}}
	if p.Resolve(0, late); !late[0].Unused {
		t.Error("the answer was used")
	}
	if p.value != 0 || p.err != reason {
		t.Errorf("the piece has %v, %v", p.value, p.err)
	}
}
