package queue

import "slices"

// Seat is a worker's place at the queue. All fields are guarded by Queue.mu, except Owner and Number, which are immutable.
//
// Invariant: 0 <= inflight, and inflight <= window after a Take. An idle seat is open, has nothing in flight and stands on
// the queue's idle stack; the queue is then empty, or the crew is enough for it.
type Seat struct {
	Owner  any
	Number uint64 // the order in which seats take their first item

	open     bool // may take
	retired  bool // for good: whoever opens it later has not heard of it yet
	idle     bool // stands on the idle stack
	parted   bool // it was told that the seat is empty and takes no more
	used     bool // it has taken an item
	spent    bool // its budget is used up; it takes no more, unless items come back
	left     bool // its worker is gone
	proven   bool // its worker has answered since it was opened, blocked or stuck
	counted  bool // it is one of the crew
	window   int  // how many it may hold; 0: none for now
	inflight int  // how many it holds
	budget   int  // how many more it may take in its life; < 0: no limit
}

func (s *Seat) room() int {
	if !s.open || s.spent {
		return 0
	}
	room := s.window - s.inflight
	if s.budget >= 0 {
		room = min(room, s.budget)
	}
	return room
}

// Open lets a seat take items: up to window at a time and budget in all (0: no limit). It returns the owners of seats
// that should now be fed.
func (q *Queue) Open(s *Seat, window, budget int) []any {
	q.mu.Lock()
	defer q.mu.Unlock()
	if s.retired {
		return nil
	}
	s.open, s.window, s.budget = true, window, budget
	if budget == 0 {
		s.budget = -1
	}
	q.restLocked(s)
	return q.ownersLocked()
}

// Retire stops a seat from taking. It reports whether the seat is empty, and then no Drained follows.
func (q *Queue) Retire(s *Seat) (empty bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	s.open, s.retired = false, true
	q.unrestLocked(s)
	return q.partLocked(s)
}

// Leave is Retire for a seat whose worker is gone: nobody is told any more that it is empty, unless its budget is used up;
// then that is why it left, and its last answers may still be on their way. It returns the owners of seats that should now be
// fed in its place.
func (q *Queue) Leave(s *Seat) []any {
	q.mu.Lock()
	defer q.mu.Unlock()
	s.open, s.retired, s.left = false, true, true
	s.parted = s.parted || !s.spent
	q.unrestLocked(s)
	q.countLocked(s)
	return q.ownersLocked()
}

// Block stops a seat from taking until its window is set again by Settle or Unblock. What it holds is to be given back by
// Requeue, which names those that should be fed in its place, also if nothing comes back.
func (q *Queue) Block(s *Seat) {
	q.mu.Lock()
	defer q.mu.Unlock()
	s.window, s.proven = 0, false
	q.unrestLocked(s)
	q.countLocked(s)
}

// Unblock sets the window of a seat.
func (q *Queue) Unblock(s *Seat, window int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	s.window = window
}

// Load returns how many items a seat holds, and how many more it may take in its life (< 0: no limit).
func (q *Queue) Load(s *Seat) (inflight, budget int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return s.inflight, s.budget
}

// partLocked reports, once, that a seat which takes no more is empty.
func (q *Queue) partLocked(s *Seat) bool {
	if s.parted || s.inflight > 0 || (s.open && !s.spent) {
		return false
	}
	s.parted = true
	q.unrestLocked(s)
	return true
}

// restLocked puts a seat that found nothing to take on the idle stack: on top, for its process is warm; but one that never
// took anything at the bottom, where they stand in the order of their numbers.
func (q *Queue) restLocked(s *Seat) {
	if !s.open || s.idle || s.inflight > 0 || s.spent || s.window == 0 {
		return
	}
	s.idle = true
	if s.used {
		q.idle = append(q.idle, s)
		return
	}
	i := 0
	for i < len(q.idle) && !q.idle[i].used && q.idle[i].Number > s.Number {
		i++
	}
	q.idle = slices.Insert(q.idle, i, s)
}

func (q *Queue) unrestLocked(s *Seat) {
	if !s.idle {
		return
	}
	s.idle = false
	for i, o := range q.idle {
		if o == s {
			q.idle = append(q.idle[:i], q.idle[i+1:]...)
			return
		}
	}
}

// popIdleLocked takes the seat that rested last: its process is the warmest.
func (q *Queue) popIdleLocked() *Seat {
	n := len(q.idle)
	if n == 0 {
		return nil
	}
	s := q.idle[n-1]
	q.idle = q.idle[:n-1]
	s.idle = false
	return s
}
