package queue

import (
	"strings"
	"testing"
	"time"
)

// kept returns how many segments the queue keeps.
func kept(q *Queue) int { return q.levels.at(0).segs.n }

// putCanceled puts so many calls and cancels them.
func putCanceled(t *testing.T, q *Queue, n int) {
	t.Helper()
	for range n {
		c := call()
		if _, _, err := q.Put(c, false); err != nil {
			t.Fatal(err)
		}
		q.Cancel(c)
	}
}

// The canceled are swept once there are 1024 of them, and as many as the others; who lives is kept.
func TestSweep(t *testing.T) {
	for living, want := range map[int]int{0: 1024, 1000: 1024, 1024: 1024, 2000: 2000} {
		q := New(0, still, nil)
		q.Put(many(), false) // of nothing: swept too
		if living > 0 {
			q.Put(many(strings.Split(strings.Repeat("x", living), "")...), false)
		}
		before := kept(q)
		putCanceled(t, q, want-1)
		if got := kept(q); got != before+want-1 {
			t.Errorf("%d are kept of %d, for %d that live", got, before+want-1, living)
		}
		putCanceled(t, q, 1)
		if got := kept(q); got != before-1 {
			t.Errorf("%d are kept, not %d, after %d were canceled for %d that live", got, before-1, want, living)
		}
		putCanceled(t, q, want-1) // it begins to count anew
		if got := kept(q); got != before-1+want-1 {
			t.Errorf("then %d are kept, not %d", got, before-1+want-1)
		}
		var s Seat
		q.Open(&s, 5000, 0)
		var out [2]Run
		if n, _ := q.Take(&s, out[:]); n != min(living, 1) || out[0].Len() != living {
			t.Errorf("%d runs of %d items, and %d live", n, out[0].Len(), living)
		}
	}
}

// What is canceled outside was never inside, and is no reason to sweep.
func TestOutsideIsNotSwept(t *testing.T) {
	q := New(10, still, nil)
	putCanceled(t, q, 5)
	q.Put(call(), false)
	c := many(strings.Split(strings.Repeat("x", 5000), "")...)
	q.Put(c, false)
	before := kept(q)
	if n := q.Cancel(c); n != 5000 {
		t.Errorf("canceled %d", n)
	}
	if got := kept(q); got != before {
		t.Errorf("%d are kept, not %d", got, before)
	}
}

// A call that is canceled does not wait any more, whoever stands before it or behind it.
func TestTheCanceledDoNotWait(t *testing.T) {
	now := still()
	q := New(0, func() time.Duration { return now }, nil)
	first, second := call(), call()
	q.Put(first, false)
	now = 5
	q.Put(second, false)
	now = 7
	if got := q.Snapshot().Waiting; got != 7 {
		t.Errorf("the first has waited for %d", got)
	}
	q.Cancel(first)
	if got := q.Snapshot().Waiting; got != 2 {
		t.Errorf("the second has waited for %d", got)
	}
	q.Cancel(second)
	if got := q.Snapshot().Waiting; got != 0 {
		t.Errorf("nobody waits, for %d", got)
	}
}
