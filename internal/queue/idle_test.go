package queue

import "testing"

// A seat may be fed without having been named: it does not rest any more then, and is not named while others do.
func TestASeatThatTakesDoesNotRest(t *testing.T) {
	q := New(0, still, nil)
	var a, b Seat
	a.Owner, b.Owner, b.Number = "a", "b", 1
	var out [1]Entry
	for _, s := range []*Seat{&b, &a} {
		q.Open(s, 1, 0)
		q.Put(call(), false)
		q.Take(s, out[:])
		q.Settle(s, Settled{Succeeded: 1}, 1)
		q.Take(s, out[:]) // nothing: it rests
	}
	if owner, _, _ := q.Put(call(), false); owner != "a" {
		t.Fatalf("%v is named", owner)
	}
	if n, _ := q.Take(&b, out[:]); n != 1 {
		t.Fatalf("b took %d", n)
	}
	if owner, _, _ := q.Put(call(), false); owner != nil {
		t.Errorf("%v is named, and is not at rest", owner)
	}
}
