package queue

import "time"

// quickTask is how long a task takes at most, on average, so that it is left to the crew: less than to wake a worker.
const quickTask = 10 * time.Microsecond

// The crew are the seats that have items and get on with them. While tasks are quick, a crew of a few for each processor keeps
// the machine busy; one more worker would be woken, at the cost of several tasks, to take turns with them. So then, while there
// are Crew of them, nobody else is named, and whoever has run out of items rests: items wait though seats are idle.
//
// That is safe because a seat of the crew comes back for more when its worker answers, dies or gives back, and because whoever
// gets stuck is noticed: OnHold is told when items begin to wait so, and until Replace says that none does any more, it is to be
// called now and then with the seats that have not moved since.

// paceLocked takes in what a task takes the worker that has just answered. One that is quick says that tasks can be; that they are
// not, it takes as many as the crew to say, one after another: a worker that has slept is slow at first.
func (q *Queue) paceLocked(each time.Duration) {
	switch {
	case each == 0:
	case each <= quickTask:
		q.quick, q.slow = true, 0
	default:
		q.slow++
		q.quick = q.quick && q.slow < q.Crew
	}
}

// works is whether a seat belongs to the crew. One whose worker has not answered since it was opened, got stuck or was blocked
// does not: its worker may still be starting, or run a long task.
func (s *Seat) works() bool { return s.inflight > 0 && s.proven && !s.left }

// countLocked keeps count of the crew. It is called whenever a seat may have joined or left it.
func (q *Queue) countLocked(s *Seat) {
	if w := s.works(); w != s.counted {
		s.counted = w
		if w {
			q.crew++
		} else {
			q.crew--
		}
	}
}

// enoughLocked reports whether so many seats at work are all that is needed.
func (q *Queue) enoughLocked(crew int) bool { return q.quick && q.Crew > 0 && crew >= q.Crew }

// sparedLocked reports whether a seat should take nothing, because others are enough.
func (q *Queue) sparedLocked(s *Seat) bool {
	others := q.crew
	if s.counted {
		others--
	}
	return q.enoughLocked(others)
}

// nameLocked returns the seat that should be fed next, if there is something for it and those at work, and so many that are
// named already, are not enough. It does not rest any more.
func (q *Queue) nameLocked(named int) *Seat {
	switch {
	case q.inside <= named || len(q.idle) == 0:
		return nil
	case q.enoughLocked(q.crew + named):
		q.holdLocked()
		return nil
	}
	return q.popIdleLocked()
}

// ownerLocked is nameLocked for one seat: its owner, or nil.
func (q *Queue) ownerLocked() any {
	if s := q.nameLocked(0); s != nil {
		return s.Owner
	}
	return nil
}

// ownersLocked names as many seats as there are items for.
func (q *Queue) ownersLocked() (owners []any) {
	for s := q.nameLocked(0); s != nil; s = q.nameLocked(len(owners)) {
		owners = append(owners, s.Owner)
	}
	return owners
}

func (q *Queue) holdLocked() {
	if !q.held {
		q.held = true
		q.OnHold()
	}
}

// Replace takes seats out of the crew that are stuck: neither have they answered nor begun anything for a while. It returns
// the owners of others that should be fed in their place; of all that there are items for, if nobody else is at work, for then
// tasks are not quick any more. It reports whether items wait though seats are idle.
func (q *Queue) Replace(stuck []*Seat) (owners []any, held bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, s := range stuck {
		s.proven = false
		q.countLocked(s)
	}
	if q.crew == 0 {
		q.quick = false
	}
	owners = q.ownersLocked()
	q.held = q.inside > len(owners) && len(q.idle) > 0
	return owners, q.held
}
