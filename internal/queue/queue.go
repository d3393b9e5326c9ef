package queue

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"time"
)

// ErrFull is returned by Put when there is no room and the caller does not want to wait.
var ErrFull = errors.New("queue: full")

// Queue holds what waits. Its lock is a leaf: nothing blocks and nothing else is locked under it.
type Queue struct {
	limit   int                  // most items inside; 0: no limit. Immutable.
	now     func() time.Duration // immutable
	onEnter func(*Call)          // told under mu of every accepted call, before anyone can take it; may be nil. Immutable.
	// OnDrop is told under mu of items that are dropped while they wait: with nil when their call was canceled, else with
	// what the queue refuses with. It may be nil, must not block, and is set before the first Put.
	OnDrop func(c *Call, from, to int32, err error)
	// Crew is how many seats are kept at work while tasks are quick; 0: all that there are items for. With it goes OnHold,
	// which is told under mu when items begin to wait though seats are idle; it must not block. Both are set before the
	// first Open.
	Crew   int
	OnHold func()

	mu      sync.Mutex
	closed  error  // what Put returns since Close
	failing error  // what Put returns while the circuit is open
	dropped bool   // closed, and what waits is dropped
	turned  error  // what submitters that waited were last turned away with: it may be over when they look
	levels  levels // items inside
	inside  int    // items inside that are not canceled
	dead    int    // items inside that are
	outside []outsider
	beyond  int // items of outsiders that are accepted
	idle    []*Seat
	crew    int  // seats that work
	quick   bool // so few of them are enough as Crew says
	slow    int  // settled in a row, lately, by workers whose tasks are not quick
	held    bool // items may wait though seats are idle: OnHold was told
	counts  Counts
	lastID  uint64

	attempts map[*Call]map[int32]int32 // of items that ran before, of calls that are not resolved
}

// outsider is a call for which there is no room yet.
type outsider struct {
	segment
	entered chan struct{} // closed when it is inside or given up; nil for a map, whose submitter does not wait
}

// Counts are totals since New, in items.
type Counts struct {
	Submitted, Succeeded, Failed, Canceled, Requeued, Retried uint64
	Wait, Run                                                 time.Duration
	Inflight                                                  int
}

// New returns a queue with room for limit items (0: no limit), that reads the time from now.
// It tells onEnter, if that is not nil, of every call it accepts; onEnter must not block.
func New(limit int, now func() time.Duration, onEnter func(*Call)) *Queue {
	return &Queue{limit: limit, now: now, onEnter: onEnter}
}

// Put accepts a call. Its items enter the queue, or, if it is a map, as room appears. For a single item that has no room,
// it returns a channel that is closed once there was room, or the queue refuses (see Entered); or ErrFull, if reject is
// set. It returns the owner of a seat that should now be fed, or nil.
func (q *Queue) Put(c *Call, reject bool) (feed any, wait <-chan struct{}, err error) {
	c.Accepted = q.now()
	q.mu.Lock()
	defer q.mu.Unlock()
	if err := q.refusalLocked(); err != nil {
		return nil, nil, err
	}
	if c.canceled { // before it came here
		return nil, nil, context.Canceled
	}
	n := c.Items()
	c.ID = q.lastID + 1
	q.lastID += uint64(n)
	if q.limit > 0 && (q.inside+n > q.limit || len(q.outside) > 0) {
		return q.putOutsideLocked(c, reject)
	}
	q.acceptLocked(c)
	q.enterLocked(segment{c, 0, int32(n)})
	return q.ownerLocked(), nil, nil
}

func (q *Queue) putOutsideLocked(c *Call, reject bool) (feed any, wait <-chan struct{}, err error) {
	o := outsider{segment: segment{c, 0, int32(c.Items())}}
	switch {
	case c.Many != nil:
		q.acceptLocked(c)
		c.waiting += o.to
		q.beyond += int(o.to)
	case reject:
		return nil, nil, ErrFull
	default:
		o.entered = make(chan struct{})
	}
	q.outside = append(q.outside, o)
	q.admitLocked()
	return q.ownerLocked(), o.entered, nil
}

// Entered reports whether a call for which Put made its submitter wait is accepted. If not, it is given up: err is what
// the queue refused it with, or nil if it is still outside, as when the submitter does not want to wait any longer.
func (q *Queue) Entered(c *Call) (ok bool, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i, o := range q.outside {
		if o.call == c {
			q.outside = append(q.outside[:i:i], q.outside[i+1:]...)
			q.admitLocked()
			return false, nil
		}
	}
	if !c.accepted {
		return false, cmp.Or(q.refusalLocked(), q.turned, context.Canceled)
	}
	return true, nil // though it may have been dropped since: then its sink is told
}

func (q *Queue) acceptLocked(c *Call) {
	c.accepted = true
	q.counts.Submitted += uint64(c.Items())
	if q.onEnter != nil {
		q.onEnter(c)
	}
}

// enterLocked puts a segment inside, at the back.
func (q *Queue) enterLocked(g segment) {
	g.call.waiting += g.to - g.from
	q.inside += int(g.to - g.from)
	q.levels.at(g.call.Task.Priority).segs.pushBack(g)
}

// admitLocked lets outsiders in, in order, as long as there is room.
func (q *Queue) admitLocked() {
	for len(q.outside) > 0 && q.inside < q.limit {
		o := &q.outside[0]
		if o.entered != nil {
			q.acceptLocked(o.call)
			q.enterLocked(o.segment)
			close(o.entered)
			o.from = o.to
		} else {
			n := min(o.to-o.from, int32(q.limit-q.inside))
			q.beyond -= int(n)
			o.call.waiting -= n // enterLocked counts them again
			q.enterLocked(segment{o.call, o.from, o.from + n})
			o.from += n
		}
		if o.from == o.to {
			q.outside[0] = outsider{}
			q.outside = q.outside[1:]
		}
	}
}

// Take moves items from the queue to a seat, as many as it has room for and out holds runs of. It returns how many runs.
// When there is nothing for it, the seat rests, and its owner will be named. wake is the owner of another seat that should be
// fed too, or nil.
func (q *Queue) Take(s *Seat, out []Run) (n int, wake any) { return q.TakeAt(s, out, 0) }

// TakeAt is Take for somebody who has just read the queue's clock; 0: he has not.
func (q *Queue) TakeAt(s *Seat, out []Run, now time.Duration) (n int, wake any) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.takeLocked(s, out, now)
}

// Exchange is Settle and Take in one, for a seat that goes on.
func (q *Queue) Exchange(s *Seat, d Settled, window int, out []Run) (n int, wake any, drained bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.settleLocked(s, d, window)
	n, wake = q.takeLocked(s, out, 0)
	return n, wake, q.partLocked(s)
}

func (q *Queue) takeLocked(s *Seat, out []Run, now time.Duration) (n int, wake any) {
	if now == 0 && q.inside > 0 {
		now = q.now()
	}
	items, room := 0, s.room()
	if q.sparedLocked(s) {
		room = 0
	}
	for ; items < room && n < len(out); n++ {
		g, ok := q.nextLocked(int32(room - items))
		if !ok {
			break
		}
		items += int(g.to - g.from)
		taken := max(now, g.call.Accepted) // others may have come since
		q.counts.Wait += time.Duration(g.to-g.from) * (taken - g.call.Accepted)
		out[n] = Run{Entry{Call: g.call, Item: g.from, Attempt: q.attemptLocked(g.call, g.from), Taken: taken}, g.to}
	}
	q.tookLocked(s, items)
	return n, q.ownerLocked()
}

// nextLocked removes the items that run next. Those that could not be encoded have failed already and go on the way.
func (q *Queue) nextLocked(most int32) (g segment, ok bool) {
	for {
		if g, ok = q.levels.next(most); !ok {
			return g, false
		}
		g.call.waiting -= g.to - g.from
		if !g.call.Holes || len(g.call.Payload(g.from)) > 0 {
			return g, true
		}
		q.inside--
		q.counts.Failed++
		q.admitLocked()
	}
}

func (q *Queue) tookLocked(s *Seat, n int) {
	q.inside -= n
	q.counts.Inflight += n
	s.inflight += n
	s.used = s.used || n > 0
	if s.budget > 0 {
		s.budget -= n
		s.spent = s.budget == 0
	}
	q.countLocked(s)
	if n > 0 {
		q.unrestLocked(s) // it was fed without being named
		q.admitLocked()
	} else if q.inside == 0 || q.sparedLocked(s) {
		q.restLocked(s)
	}
}

// Settled is what a seat has got rid of: items that succeeded, failed, or whose call had been resolved before.
type Settled struct {
	Succeeded, Failed, Canceled int
	Run                         time.Duration
	Each                        time.Duration // what a task takes its worker lately; 0: not known
}

func (d *Settled) items() int { return d.Succeeded + d.Failed + d.Canceled }

// Settle tells what a seat has got rid of, and its window from now on. It returns the owner of another seat that should be
// fed, or nil, and reports whether the seat is now empty and takes no more.
func (q *Queue) Settle(s *Seat, d Settled, window int) (wake any, drained bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.settleLocked(s, d, window)
	return q.ownerLocked(), q.partLocked(s)
}

func (q *Queue) settleLocked(s *Seat, d Settled, window int) {
	q.counts.Succeeded += uint64(d.Succeeded)
	q.counts.Failed += uint64(d.Failed)
	q.counts.Canceled += uint64(d.Canceled)
	q.counts.Run += d.Run
	q.counts.Inflight -= d.items()
	s.inflight -= d.items()
	s.window = window
	if d.items() > 0 {
		s.proven = true
	}
	q.countLocked(s)
	q.paceLocked(d.Each)
}
