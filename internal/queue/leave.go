package queue

import "time"

// Requeue puts items that a seat held, and that are to run again, back at the front, in their order. Those that had
// started count as retried. Items of calls that were canceled meanwhile are dropped; while the queue drops what waits,
// their calls are aborted. It tells what becomes of each, under mu and before anyone can take it: back in the queue, or
// dropped with err (nil: canceled). It returns the owners of seats that should now be fed, and whether the seat is now
// empty and takes no more.
func (q *Queue) Requeue(s *Seat, entries []Entry, started bool, tell func(e *Entry, back bool, err error)) (owners []any, drained bool) {
	q.mu.Lock()
	drop := q.dropsLocked()
	for i := len(entries) - 1; i >= 0; i-- {
		e := &entries[i]
		q.counts.Inflight--
		s.inflight--
		e.Call.moved = true
		q.againLocked(s, e, started)
		switch {
		case e.Call.canceled:
			q.counts.Canceled++
			tell(e, false, nil)
		case drop != nil:
			q.counts.Failed++
			tell(e, false, drop)
		default:
			if started {
				q.counts.Retried++
			} else {
				q.counts.Requeued++
			}
			tell(e, true, nil)
			e.Call.waiting++
			q.inside++
			q.levels.at(e.Call.Task.Priority).segs.pushFront(segment{e.Call, e.Item, e.Item + 1})
		}
	}
	q.countLocked(s)
	drained = q.partLocked(s)
	owners = q.ownersLocked()
	q.mu.Unlock()
	if drop != nil {
		for i := range entries {
			entries[i].Call.Sink.Abort(drop)
		}
	}
	return owners, drained
}

func (q *Queue) againLocked(s *Seat, e *Entry, started bool) {
	if !started {
		if s.budget >= 0 {
			s.budget++ // it did not run
			s.spent = false
		}
		return
	}
	if e.Call.canceled {
		return
	}
	e.Call.again = true
	if q.attempts == nil {
		q.attempts = map[*Call]map[int32]int32{}
	}
	if q.attempts[e.Call] == nil {
		q.attempts[e.Call] = map[int32]int32{}
	}
	q.attempts[e.Call][e.Item] = e.Attempt
}

// attemptLocked returns which attempt of an item comes next.
func (q *Queue) attemptLocked(c *Call, item int32) int32 {
	if !c.again {
		return 1
	}
	return 1 + q.attempts[c][item]
}

// Forget drops what is kept of an item that was retried and is now resolved.
func (q *Queue) Forget(e *Entry) {
	q.mu.Lock()
	defer q.mu.Unlock()
	items := q.attempts[e.Call]
	delete(items, e.Item)
	if len(items) == 0 {
		delete(q.attempts, e.Call)
	}
}

// Cancel drops what waits of a call, and marks it, so that items which are in flight do not come back. It returns how
// many it dropped.
func (q *Queue) Cancel(c *Call) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	if c.canceled {
		return 0
	}
	c.canceled = true
	delete(q.attempts, c)
	n := int(c.waiting)
	q.tellCanceledLocked(c)
	outside := q.evictLocked(c)
	c.waiting = 0
	q.inside -= n - outside
	q.dead += n - outside
	q.counts.Canceled += uint64(n)
	q.sweepLocked()
	q.admitLocked()
	return n
}

// Canceled reports whether a call was canceled: what is in flight of it is not wanted any more.
func (q *Queue) Canceled(c *Call) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return c.canceled
}

// tellCanceledLocked tells of what waits of a call. Only a map makes it look for its items.
func (q *Queue) tellCanceledLocked(c *Call) {
	switch {
	case q.OnDrop == nil || c.waiting == 0:
	case c.Many == nil:
		q.OnDrop(c, 0, 1, nil)
	default:
		for g := range q.levels.at(c.Task.Priority).segs.all() {
			if g.call == c {
				q.tellDropped(*g, nil)
			}
		}
		for _, o := range q.outside {
			if o.call == c {
				q.tellDropped(o.segment, nil)
			}
		}
	}
}

func (q *Queue) tellDropped(g segment, err error) {
	if q.OnDrop != nil {
		q.OnDrop(g.call, g.from, g.to, err)
	}
}

// evictLocked removes a call from outside and returns how many accepted items it had there. A submitter that waits is let
// go.
func (q *Queue) evictLocked(c *Call) (items int) {
	kept := q.outside[:0]
	for _, o := range q.outside {
		switch {
		case o.call == c && o.entered != nil:
			close(o.entered)
			continue
		case o.call == c:
			items += int(o.to - o.from)
			continue
		}
		kept = append(kept, o)
	}
	clear(q.outside[len(kept):])
	q.outside = kept
	q.beyond -= items
	return items
}

// sweepLocked drops dead segments once they outnumber the living, so that canceled calls do not pile up behind a long task.
func (q *Queue) sweepLocked() {
	if q.dead < 1024 || q.dead < q.inside {
		return
	}
	q.dead = 0
	for _, l := range q.levels {
		l.segs.filter(func(g *segment) bool { return !g.call.canceled && g.from < g.to })
	}
}

// Close makes Put fail with err from now on. With drop set, what waits is removed, and what would come back is not
// taken in; the calls it belonged to are returned: they are to be aborted.
func (q *Queue) Close(err error, drop bool) (dropped []*Call) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = err
	q.dropped = q.dropped || drop
	q.turnAwayLocked()
	if drop {
		dropped = q.dropLocked()
	}
	return dropped
}

// Fail makes Put fail with err until Heal, and removes what waits: the calls it belonged to are to be aborted with err.
func (q *Queue) Fail(err error) (dropped []*Call) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.failing = err
	q.turnAwayLocked()
	return q.dropLocked()
}

// Heal ends Fail.
func (q *Queue) Heal() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.failing = nil
}

// Refusal returns what Put fails with now, or nil.
func (q *Queue) Refusal() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.refusalLocked()
}

func (q *Queue) refusalLocked() error {
	if q.closed != nil {
		return q.closed
	}
	return q.failing
}

// Drops reports whether items that wait are dropped, and what would come back is not taken in.
func (q *Queue) Drops() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.dropsLocked() != nil
}

// dropsLocked returns the error with which items that wait are dropped, or nil.
func (q *Queue) dropsLocked() error {
	if q.dropped {
		return q.closed
	}
	return q.failing
}

// turnAwayLocked gives up the submitters that wait outside. Maps have been accepted, they stay.
func (q *Queue) turnAwayLocked() {
	q.turned = q.refusalLocked()
	for _, o := range q.outside {
		if o.entered != nil {
			o.call.canceled = true
			close(o.entered)
		}
	}
	q.outside = keepMaps(q.outside)
}

func keepMaps(all []outsider) (maps []outsider) {
	for _, o := range all {
		if o.entered == nil {
			maps = append(maps, o)
		}
	}
	return maps
}

func (q *Queue) dropLocked() (dropped []*Call) {
	seen := map[*Call]bool{}
	err := q.dropsLocked()
	add := func(g segment) {
		if g.call.canceled {
			return
		}
		q.tellDropped(g, err)
		if !seen[g.call] {
			seen[g.call] = true
			dropped = append(dropped, g.call)
		}
	}
	for _, l := range q.levels {
		l.segs.filter(func(g *segment) bool { add(*g); return false })
	}
	for _, o := range q.outside {
		add(o.segment)
	}
	for _, c := range dropped {
		q.counts.Failed += uint64(c.waiting)
		c.waiting = 0
		c.canceled = true
		delete(q.attempts, c)
	}
	q.outside, q.beyond, q.inside, q.dead = nil, 0, 0, 0
	return dropped
}

// Resting reports whether a seat is idle.
func (q *Queue) Resting() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.idle) > 0
}

// Snapshot is the queue's state at one moment.
type Snapshot struct {
	Counts
	Queued  int           // accepted and waiting
	Idle    int           // seats at rest
	Waiting time.Duration // how long the one that runs next has waited
}

// Snapshot returns the queue's state at one moment.
func (q *Queue) Snapshot() Snapshot {
	q.mu.Lock()
	defer q.mu.Unlock()
	s := Snapshot{Counts: q.counts, Queued: q.inside + q.beyond, Idle: len(q.idle)}
	if c := q.levels.peek(); c != nil {
		s.Waiting = q.now() - c.Accepted
	}
	return s
}
