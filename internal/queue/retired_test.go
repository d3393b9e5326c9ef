package queue

import (
	"testing"
	"time"
)

type discard struct{}

func (discard) Resolve(int32, *Outcome) bool { return true }
func (discard) Abort(error)                  {}

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
	var out [4]Entry
	if n, _ := q.Take(&s, out[:]); n != 0 {
		t.Fatalf("the retired seat took %d", n)
	}
}
