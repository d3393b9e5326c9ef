package queue

import "testing"

// crewOf returns a queue whose tasks are quick, with a crew of so many seats at work on one item each, and others idle.
func crewOf(t *testing.T, crew, idle int) (q *Queue, seats []*Seat) {
	t.Helper()
	q = New(0, still, nil)
	q.Crew, q.OnHold = crew, func() {}
	var out [1]Run
	for i := range crew + idle {
		s := &Seat{Number: uint64(i)}
		s.Owner = s
		seats = append(seats, s)
		q.Open(s, 1, 0)
	}
	for range crew + idle { // each has run something before
		s := named(t, q).(*Seat)
		q.Take(s, out[:])
		q.Settle(s, Settled{Succeeded: 1, Each: 1}, 1)
	}
	for _, s := range seats {
		q.Take(s, out[:]) // nothing: it rests
	}
	return q, seats
}

// work hands in items until nobody is named any more, and feeds who is.
func work(t *testing.T, q *Queue) (fed []*Seat) {
	t.Helper()
	var out [1]Run
	for {
		s, _ := named(t, q).(*Seat)
		if s == nil {
			return fed
		}
		if n, other := q.Take(s, out[:]); n != 1 || other != nil {
			t.Fatalf("took %d, and named %v", n, other)
		}
		fed = append(fed, s)
	}
}

// Quick tasks are left to a few; the rest stay idle until one of those is done, is gone, or gets stuck.
func TestQuickTasksAreLeftToAFew(t *testing.T) {
	for name, end := range map[string]func(q *Queue, s *Seat) (named int){
		"leaves": func(q *Queue, s *Seat) int { return len(q.Leave(s)) },
		"stuck": func(q *Queue, s *Seat) int {
			owners, _ := q.Replace([]*Seat{s})
			return len(owners)
		},
		"blocked": func(q *Queue, s *Seat) int {
			q.Block(s)
			owners, _ := q.Requeue(s, nil, false, nil)
			return len(owners)
		},
		"settles": func(q *Queue, s *Seat) int {
			if owner, _ := q.Settle(s, Settled{Succeeded: 1}, 1); owner == nil {
				return 0
			}
			return 1
		},
	} {
		t.Run(name, func(t *testing.T) {
			q, _ := crewOf(t, 2, 5)
			held := false
			q.OnHold = func() { held = true }
			fed := work(t, q)
			if len(fed) != 2 || !held || !q.Resting() {
				t.Fatalf("%d are at work, told %v", len(fed), held)
			}
			named(t, q)
			if n := end(q, fed[0]); n != 1 {
				t.Errorf("%d are named in its place", n)
			}
		})
	}
}

// When all are stuck, tasks are not quick any more: everyone is named that there are items for.
func TestAllAreStuck(t *testing.T) {
	q, _ := crewOf(t, 2, 5)
	fed := work(t, q)
	for range 2 {
		named(t, q)
	}
	if owners, held := q.Replace(fed); len(owners) != 3 || held {
		t.Errorf("%d are named for three items; held: %v", len(owners), held)
	}
}

// That tasks are not quick, it takes more than one worker to say.
func TestOneSlowWorkerSaysLittle(t *testing.T) {
	q, seats := crewOf(t, 3, 5)
	say := func(s *Seat) bool {
		q.Settle(s, Settled{Each: quickTask + 1}, 1)
		return q.quick
	}
	if !say(seats[0]) || !say(seats[1]) || say(seats[2]) {
		t.Error("not at the third of three")
	}
	q.Settle(seats[0], Settled{Each: quickTask}, 1)
	if !q.quick || !say(seats[1]) {
		t.Error("it is not forgotten")
	}
}
