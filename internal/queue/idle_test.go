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
	var out [1]Run
	if n, _ := q.Take(other, out[:]); n != 1 {
		t.Fatalf("took %d", n)
	}
	if owner, _, _ := q.Put(call(), false); owner != nil {
		t.Error("a seat is named that does not rest")
	}
}

// What comes back from a worker that leaves wakes those that rest, and no more of them than there are items.
func TestWhatComesBackWakes(t *testing.T) {
	q := New(0, still, nil)
	var leaving Seat
	q.Open(&leaving, 2, 0)
	q.Put(call(), false)
	q.Put(call(), false)
	var out [2]Run
	if n, _ := q.Take(&leaving, out[:]); n != 2 {
		t.Fatalf("took %d", n)
	}
	rest := make([]Seat, 3)
	for i := range rest {
		rest[i].Owner, rest[i].Number = i, uint64(i+1)
		q.Open(&rest[i], 1, 0)
	}
	q.Retire(&leaving)
	tell := func(*Entry, bool, error) {}
	if owners, _ := q.Requeue(&leaving, entries(out[:]), false, tell); len(owners) != 2 {
		t.Errorf("%v are woken for two items", owners)
	}
	if !q.Resting() {
		t.Error("the third does not rest any more")
	}
}

// Calls that are canceled behind a long task do not pile up.
func TestTheCanceledDoNotPileUp(t *testing.T) {
	q := New(0, still, nil)
	for range 10_000 {
		c := call()
		q.Put(c, false)
		q.Cancel(c)
	}
	if n := q.levels.at(0).segs.n; n > 2048 {
		t.Errorf("%d are kept", n)
	}
}
