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
	for i := range out {
		if !out[i].Call.Moved() {
			t.Error("it came back, and has not moved")
		}
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

// named returns who is named for a call that is put.
func named(t *testing.T, q *Queue) any {
	t.Helper()
	owner, _, err := q.Put(call(), false)
	if err != nil {
		t.Fatal(err)
	}
	return owner
}

// Who has run something is named first, for it is warm, and of those the last one; then the others by their numbers.
func TestWhoRestsIsNamedInOrder(t *testing.T) {
	q := New(0, still, nil)
	if q.Resting() {
		t.Error("somebody rests, and there is nobody")
	}
	seats := make([]Seat, 5)
	for _, i := range []int{3, 1, 4, 0, 2} {
		seats[i].Owner, seats[i].Number = i, uint64(i)
		q.Open(&seats[i], 1, 0)
	}
	var out [1]Run
	for i := range 2 {
		if got := named(t, q); got != i {
			t.Fatalf("%v is named, not %d", got, i)
		}
		if n, _ := q.Take(&seats[i], out[:]); n != 1 {
			t.Fatalf("%d takes %d", i, n)
		}
	}
	for i := range 2 {
		q.Settle(&seats[i], Settled{Succeeded: 1}, 1)
		q.Take(&seats[i], out[:]) // nothing: it rests
	}
	for _, want := range []int{1, 0, 2, 3, 4} {
		if got := named(t, q); got != want {
			t.Errorf("%v is named, not %d", got, want)
		}
	}
	if named(t, q) != nil || q.Resting() {
		t.Error("somebody rests, and all were named")
	}
}

// Who was named and found nothing has not run anything.
func TestWhoFindsNothingIsNotWarm(t *testing.T) {
	q := New(0, still, nil)
	seats := make([]Seat, 2)
	for i := range seats {
		seats[i].Owner, seats[i].Number = i, uint64(i)
		q.Open(&seats[i], 1, 0)
	}
	first, second := call(), call()
	q.Put(first, false)
	q.Put(second, false)
	q.Cancel(first)
	q.Cancel(second)
	var out [1]Run
	for i := range seats {
		if n, _ := q.Take(&seats[i], out[:]); n != 0 {
			t.Fatalf("%d takes %d", i, n)
		}
	}
	if got := named(t, q); got != 0 {
		t.Errorf("%v is named, not the first", got)
	}
}

// A seat whose budget is used up takes again what comes back.
func TestSpentTakesAgain(t *testing.T) {
	q := New(0, still, nil)
	var s Seat
	q.Open(&s, 2, 2)
	q.Put(call(), false)
	q.Put(call(), false)
	var out [2]Run
	q.Take(&s, out[:])
	q.Put(call(), false)
	if n, _ := q.Take(&s, make([]Run, 1)); n != 0 {
		t.Errorf("it takes %d more than its budget", n)
	}
	q.Requeue(&s, entries(out[:]), false, func(*Entry, bool, error) {})
	n, _ := q.Take(&s, out[:])
	if inflight, _ := q.Load(&s); n != 2 || inflight != 2 {
		t.Errorf("it takes %d and holds %d, want 2", n, inflight)
	}
}
