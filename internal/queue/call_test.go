package queue

import (
	"testing"
	"time"
)

// many returns a map of items with these encoded arguments.
func many(items ...string) *Call {
	c := call()
	ends := []uint64{0}
	for _, it := range items {
		c.Data = append(c.Data, it...)
		ends = append(ends, uint64(len(c.Data)))
		c.Holes = c.Holes || it == ""
	}
	c.Many = &ends
	return c
}

func TestPayload(t *testing.T) {
	c := many("a", "", "bcd", "ef")
	for i, want := range []string{"a", "", "bcd", "ef"} {
		if got := c.Payload(int32(i)); string(got) != want || cap(got) != len(want) {
			t.Errorf("item %d: %q of %d bytes, want %q", i, got, cap(got), want)
		}
	}
	single := call()
	single.Data = []byte("xyz")
	if got := single.Payload(0); string(got) != "xyz" || single.Items() != 1 || c.Items() != 4 {
		t.Errorf("%q, %d and %d items", got, single.Items(), c.Items())
	}
}

func TestRun(t *testing.T) {
	c := many("a", "", "bcd", "ef", "ghij")
	c.ID = 100
	r := Run{Entry{Call: c, Item: 1, Attempt: 2}, 4}
	if e := r.At(2); r.Len() != 3 || r.Bytes() != 5 || e.Item != 3 || e.ID() != 103 || e.Attempt != 2 {
		t.Errorf("%d items of %d bytes, the third is %+v with number %d", r.Len(), r.Bytes(), e, e.ID())
	}
	head := r.Cut(2)
	if head.Item != 1 || head.To != 3 || r.Item != 3 || r.To != 4 || head.Bytes() != 3 || r.Bytes() != 2 {
		t.Errorf("cut into %+v and %+v", head, r)
	}
	single := call()
	single.Data = []byte("xyz")
	if r := (Run{Entry{Call: single}, 1}); r.Bytes() != 3 {
		t.Errorf("%d bytes", r.Bytes())
	}
}

func TestFactsAreForLogs(t *testing.T) {
	if got := (&Failed{Kind: "panic", Message: "no"}).Error(); got != "panic: no" {
		t.Error(got)
	}
}

// All items of a map that have a payload come in one run, which its seat has room for.
func TestAMapTravelsInRuns(t *testing.T) {
	q := New(0, still, nil)
	var s Seat
	q.Open(&s, 3, 0)
	q.Put(many("a", "b", "c", "d"), false)
	q.Put(call(), false)
	var out [4]Run
	if n, _ := q.Take(&s, out[:]); n != 1 || out[0].Len() != 3 {
		t.Errorf("%d runs, the first of %d items", n, out[0].Len())
	}
	q.Settle(&s, Settled{Succeeded: 3}, 4)
	if n, _ := q.Take(&s, out[:1]); n != 1 || out[0].Item != 3 || out[0].Len() != 1 {
		t.Errorf("%d runs, the first %+v", n, out[0])
	}
	if n, _ := q.Take(&s, out[:]); n != 1 || out[0].Call.Many != nil {
		t.Errorf("%d runs, the first %+v", n, out[0])
	}
}

// A map of nothing is accepted, and nobody gets anything of it.
func TestAMapOfNothing(t *testing.T) {
	q := New(0, still, nil)
	if _, _, err := q.Put(many(), false); err != nil {
		t.Fatal(err)
	}
	var s Seat
	q.Open(&s, 3, 0)
	var out [4]Run
	if n, _ := q.Take(&s, out[:]); n != 0 {
		t.Errorf("%d runs, the first %+v", n, out[0])
	}
}

// Who has read the clock before he takes may meet items that came after that. None of them is taken before it came.
func TestTakenAfterAccepted(t *testing.T) {
	now := time.Duration(0)
	q := New(0, func() time.Duration { now++; return now }, nil)
	var s Seat
	q.Open(&s, 3, 0)
	first, second := call(), call()
	q.Put(first, false)
	q.Put(second, false)
	var out [3]Run
	if n, _ := q.TakeAt(&s, out[:], first.Accepted); n != 2 || out[0].Taken != 1 || out[1].Taken != 2 {
		t.Errorf("%d runs: taken at %d and %d, accepted at 1 and 2", n, out[0].Taken, out[1].Taken)
	}
	if got := q.Snapshot().Wait; got != 0 {
		t.Errorf("they have waited for %d", got)
	}
}
