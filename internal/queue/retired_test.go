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
		if q.Settle(&s, Settled{Succeeded: 1}, 8) {
			t.Error("a seat that left is told to be empty")
		}
	}
}
