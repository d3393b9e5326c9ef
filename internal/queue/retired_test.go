package queue

import (
	"testing"
	"time"
)

type discard struct{}

func (discard) Resolve(int32, []Outcome) {}
func (discard) Abort(error)              {}

// A worker may die while the news that it is ready is still on its way: whoever brings them must not open its seat again,
// for nobody would ever hear of what it takes then.
func TestARetiredSeatStaysShut(t *testing.T) {
	q := New(0, func() time.Duration { return 0 }, nil)
	var s Seat
	q.Retire(&s)
	q.Open(&s, 8, 0)
	c := &Call{Task: &Task{Name: "x"}, Sink: discard{}}
	if feed, _, err := q.Put(c, false); feed != nil || err != nil {
		t.Fatalf("the retired seat is fed: %v, %v", feed, err)
	}
	var out [4]Run
	if n, _ := q.Take(&s, out[:]); n != 0 {
		t.Fatalf("the retired seat took %d", n)
	}
}

// What a dead worker had answered is settled after it has left: that its seat is empty then is no news to anyone.
func TestASeatThatLeftDoesNotDrain(t *testing.T) {
	q := New(0, still, nil)
	var s Seat
	q.Open(&s, 8, 0)
	q.Put(call(), false)
	q.Put(call(), false)
	var out [4]Run
	if n, _ := q.Take(&s, out[:]); n != 2 {
		t.Fatalf("took %d", n)
	}
	q.Leave(&s)
	for range 2 {
		if _, drained := q.Settle(&s, Settled{Succeeded: 1}, 8); drained {
			t.Error("a seat that left is told to be empty")
		}
	}
}

// A call that came inside and was dropped before its submitter looked was accepted: its sink is aborted, and the submitter
// must not give it an answer of its own.
func TestEnteredAndDropped(t *testing.T) {
	for name, drop := range map[string]func(q *Queue) []*Call{
		"fail":  func(q *Queue) []*Call { return q.Fail(ErrFull) },
		"close": func(q *Queue) []*Call { return q.Close(ErrFull, true) },
	} {
		q := New(1, still, nil)
		var s Seat
		q.Open(&s, 1, 0)
		q.Put(call(), false)
		late := call()
		_, entered, err := q.Put(late, false)
		if entered == nil || err != nil {
			t.Fatalf("%s: there is room: %v", name, err)
		}
		var out [1]Run
		q.Take(&s, out[:])
		<-entered
		if dropped := drop(q); len(dropped) != 1 || dropped[0] != late {
			t.Fatalf("%s: dropped %v", name, dropped)
		}
		if ok, err := q.Entered(late); !ok || err != nil {
			t.Errorf("%s: it has entered, and Entered says %v, %v", name, ok, err)
		}
	}
}
