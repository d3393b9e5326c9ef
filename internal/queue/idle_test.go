package queue

import "testing"

// A seat may be fed without having been named: it does not rest any more then, and is not named while others do.
func TestASeatThatTakesDoesNotRest(t *testing.T) {
	q := New(0, still, nil)
	var a, b Seat
	a.Owner, b.Owner, b.Number = &a, &b, 1
	q.Open(&a, 1, 0)
	q.Open(&b, 1, 0)
	owner, _, _ := q.Put(call(), false)
	other := &a
	if owner == &a {
		other = &b
	}
	var out [1]Entry
	if n, _ := q.Take(other, out[:]); n != 1 {
		t.Fatalf("took %d", n)
	}
	if owner, _, _ := q.Put(call(), false); owner != nil {
		t.Error("a seat is named that does not rest")
	}
}
