package queue

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestModel drives a queue beside a plain model of it, which keeps every item by name: calls and maps of several priorities
// enter, wait for room, are taken, settled, taken back, canceled; seats open, fill, are blocked and retire; the queue fails,
// heals, and closes; tasks become quick or not, and seats get stuck. After each step nothing is lost or doubled, counters agree,
// and nothing waits while a seat has room, unless others that work are enough: then somebody was told. At the end everything
// is let out, and nothing is left.
func TestModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := newModel(t)
		actions := map[string]func(*rapid.T){
			"":         m.check,
			"put":      m.put,
			"map":      m.putMap,
			"again":    m.putAgain,
			"enter":    m.enter,
			"take":     m.take,
			"settle":   m.settle,
			"requeue":  m.requeue,
			"retry":    m.retry,
			"cancel":   m.cancel,
			"open":     m.openSeat,
			"retire":   m.retire,
			"leave":    m.leave,
			"block":    m.block,
			"unblock":  m.unblock,
			"replace":  m.replace,
			"fail":     m.fail,
			"heal":     m.heal,
			"close":    m.close,
			"shutdown": m.shut,
		}
		for range 4 {
			t.Repeat(actions)
		}
		m.drain(t)
	})
}

var (
	errFailing = errors.New("failing")
	errClosed  = errors.New("closed")
)

// model is what the queue should be.
type model struct {
	q       *Queue
	limit   int
	now     time.Duration
	calls   []*modelCall
	seats   []*modelSeat
	waiting []item           // inside, in the order in which they should leave within a priority
	outside []*modelCall     // in order
	taking  int              // items that are being taken: their room is free once they all are
	done    map[string]int   // items by how they ended
	entered map[*Call]uint64 // as told by onEnter
	dropped map[item]error   // as told by OnDrop
	gone    map[item]error   // dropped while they waited, and what for
	failing bool
	closed  bool
	drop    bool
	quick   bool
	slow    int
	held    bool // told by OnHold, and Replace has not ended it
	want    Counts
}

type item struct {
	c *modelCall
	i int32
}

func (i item) String() string { return fmt.Sprint(i.c.name, ".", i.i) }

// modelCall is a call and its sink.
type modelCall struct {
	Call
	name     string
	next     int32 // first item that is outside
	accepted bool
	put      time.Duration // when
	entered  <-chan struct{}
	canceled bool
	aborts   int
	attempts map[int32]int32
}

func (c *modelCall) Resolve(int32, []Outcome) {}
func (c *modelCall) Abort(error)              { c.aborts++ }

type modelSeat struct {
	Seat
	holds   []Entry
	called  bool // its owner was named: it will be fed
	open    bool
	retired bool
	left    bool // as retired, and nobody is to be told that it is empty
	gone    bool
	proven  bool
	blocked bool
	window  int
	budget  int // < 0: no limit
	parted  bool
}

func newModel(t *rapid.T) *model {
	m := &model{
		limit: rapid.SampledFrom([]int{0, 0, 1, 3, 10}).Draw(t, "limit"),
		done:  map[string]int{}, entered: map[*Call]uint64{}, dropped: map[item]error{}, gone: map[item]error{},
	}
	m.q = New(m.limit, func() time.Duration { return m.now }, func(c *Call) { m.entered[c] = c.ID })
	m.q.Crew = rapid.IntRange(0, 3).Draw(t, "crew")
	m.q.OnHold = func() {
		if m.held {
			t.Fatal("told twice that items are held")
		}
		m.held = true
	}
	m.q.OnDrop = func(c *Call, from, to int32, why error) {
		for i := from; i < to; i++ {
			it := item{m.of(c), i}
			if _, twice := m.dropped[it]; twice {
				t.Fatalf("%v was dropped twice", it)
			}
			m.dropped[it] = why
		}
	}
	for i := range rapid.IntRange(1, 4).Draw(t, "seats") {
		s := &modelSeat{budget: -1}
		s.Owner, s.Number = s, uint64(i)
		m.seats = append(m.seats, s)
	}
	return m
}

func (m *model) of(c *Call) *modelCall {
	for _, o := range m.calls {
		if &o.Call == c {
			return o
		}
	}
	return nil
}

func (m *model) refusal() error {
	switch {
	case m.closed:
		return errClosed
	case m.failing:
		return errFailing
	}
	return nil
}

func (m *model) inside() int { return len(m.waiting) + m.taking }

func (m *model) newCall(t *rapid.T, items int) *modelCall {
	c := &modelCall{name: fmt.Sprint("c", len(m.calls)), attempts: map[int32]int32{}}
	c.Task = &Task{Name: "x", Priority: rapid.IntRange(-1, 1).Draw(t, "priority")}
	c.Sink = c
	if items >= 0 {
		ends := make([]uint64, items+1)
		c.Many = &ends
		for i := range items {
			size := uint64(1)
			if rapid.IntRange(0, 9).Draw(t, "encoded") == 0 {
				size = 0 // it could not be encoded
			}
			ends[i+1] = ends[i] + size
			c.Holes = c.Holes || size == 0
		}
		c.Data = make([]byte, ends[items])
	}
	m.calls = append(m.calls, c)
	return c
}

func (m *model) put(t *rapid.T) { m.hand(t, m.newCall(t, -1)) }

func (m *model) putMap(t *rapid.T) {
	m.hand(t, m.newCall(t, rapid.IntRange(1, 12).Draw(t, "items")))
}

// putAgain hands in a call that was canceled before it came to the queue.
func (m *model) putAgain(t *rapid.T) {
	c := m.newCall(t, -1)
	m.q.Cancel(&c.Call)
	if _, wait, err := m.q.Put(&c.Call, false); wait != nil || err == nil {
		t.Fatalf("a canceled call was accepted: %v, %v", wait, err)
	}
}

func (m *model) hand(t *rapid.T, c *modelCall) {
	c.put = m.now
	reject := rapid.Bool().Draw(t, "reject")
	feed, wait, err := m.q.Put(&c.Call, reject)
	n := c.Items()
	full := m.limit > 0 && (m.inside()+n > m.limit || len(m.outside) > 0)
	switch {
	case m.refusal() != nil:
		if err != m.refusal() || wait != nil || feed != nil {
			t.Fatalf("Put: %v, %v, %v while it should refuse with %v", feed, wait, err, m.refusal())
		}
		return
	case !full:
		m.accept(c)
		m.admit(c, n)
	case c.Many != nil:
		m.accept(c)
		m.outside = append(m.outside, c)
	case reject:
		if err != ErrFull {
			t.Fatalf("Put: %v, not full", err)
		}
		return
	default:
		m.outside = append(m.outside, c)
	}
	if err != nil || (wait != nil) != (full && c.Many == nil) {
		t.Fatalf("Put: wait %v, error %v; full %v", wait != nil, err, full)
	}
	c.entered = wait
	m.settleOutside()
	m.call(t, feed)
}

func (m *model) accept(c *modelCall) {
	c.accepted = true
	m.want.Submitted += uint64(c.Items())
}

// admit moves the next n items of a call inside.
func (m *model) admit(c *modelCall, n int) {
	for range n {
		m.waiting = append(m.waiting, item{c, c.next})
		c.next++
	}
}

// settleOutside lets in what there is room for.
func (m *model) settleOutside() {
	for len(m.outside) > 0 && m.inside() < m.limit {
		c := m.outside[0]
		if c.Many == nil {
			m.accept(c)
		}
		m.admit(c, min(c.Items()-int(c.next), m.limit-m.inside()))
		if int(c.next) == c.Items() {
			m.outside = m.outside[1:]
		}
	}
}

// call notes that a seat's owner was named.
func (m *model) call(t *rapid.T, owners ...any) {
	for _, o := range owners {
		if o == nil {
			continue
		}
		s := o.(*modelSeat)
		if s.called || len(s.holds) > 0 || !s.open {
			t.Fatalf("a seat is named that does not rest: %+v", s)
		}
		s.called = true
	}
}
