package queue

import (
	"maps"
	"slices"
	"time"

	"pgregory.net/rapid"
)

func (m *model) openSeat(t *rapid.T) {
	s := draw(t, m.seats, func(s *modelSeat) bool { return !s.open && !s.retired })
	if s == nil {
		return
	}
	budget := rapid.SampledFrom([]int{0, 0, 1, 3, 20}).Draw(t, "budget")
	s.open, s.window, s.budget = true, rapid.IntRange(1, 6).Draw(t, "window"), budget
	if budget == 0 {
		s.budget = -1
	}
	owners := m.q.Open(&s.Seat, s.window, budget)
	m.call(t, owners...)
	if !s.called {
		m.feedOn(t, s)
	}
}

func (m *model) retire(t *rapid.T) {
	s := m.seats[rapid.IntRange(0, len(m.seats)-1).Draw(t, "seat")]
	s.open, s.retired = false, true
	m.part(t, s, m.q.Retire(&s.Seat))
	m.fresh()
}

func (m *model) leave(t *rapid.T) {
	s := m.seats[rapid.IntRange(0, len(m.seats)-1).Draw(t, "seat")]
	s.open, s.retired, s.left, s.gone = false, true, s.budget != 0, true
	m.call(t, m.q.Leave(&s.Seat)...)
	m.fresh()
}

// fresh adds a seat when all have retired, as a worker's successor.
func (m *model) fresh() {
	if slices.ContainsFunc(m.seats, func(s *modelSeat) bool { return !s.retired }) {
		return
	}
	s := &modelSeat{budget: -1}
	s.Owner, s.Number = s, uint64(len(m.seats))
	m.seats = append(m.seats, s)
}

func (m *model) block(t *rapid.T) {
	s := draw(t, m.seats, func(s *modelSeat) bool { return s.open && len(s.holds) > 0 })
	if s == nil {
		return
	}
	s.blocked, s.proven = true, false
	m.q.Block(&s.Seat)
	owners, _ := m.q.Requeue(&s.Seat, nil, false, nil)
	m.call(t, owners...)
}

func (m *model) unblock(t *rapid.T) {
	s := draw(t, m.seats, func(s *modelSeat) bool { return s.blocked })
	if s == nil {
		return
	}
	s.blocked = false
	m.q.Unblock(&s.Seat, s.window)
	m.feedOn(t, s)
}

func (m *model) fail(t *rapid.T) {
	if m.failing || rapid.IntRange(0, 3).Draw(t, "really") > 0 {
		return
	}
	m.failing = true
	m.turnAway()
	m.dropAll(t, m.q.Fail(errFailing))
}

func (m *model) heal(*rapid.T) {
	m.failing = false
	m.q.Heal()
}

// close lets nobody in any more; it comes late, so that there is something to see before.
func (m *model) close(t *rapid.T) { m.end(t, false) }
func (m *model) shut(t *rapid.T)  { m.end(t, true) }

func (m *model) end(t *rapid.T, drop bool) {
	if rapid.IntRange(0, 39).Draw(t, "really") > 0 {
		return
	}
	m.closed, m.drop = true, m.drop || drop
	m.turnAway()
	dropped := m.q.Close(errClosed, drop)
	if drop {
		m.dropAll(t, dropped)
	} else if len(dropped) > 0 {
		t.Fatalf("Close dropped %d calls", len(dropped))
	}
}

func (m *model) turnAway() {
	m.outside = slices.DeleteFunc(m.outside, func(c *modelCall) bool {
		if c.Many == nil {
			c.canceled = true
		}
		return c.Many == nil
	})
}

func (m *model) dropAll(t *rapid.T, dropped []*Call) {
	why := errFailing
	if m.drop {
		why = errClosed
	}
	var want []*modelCall
	for _, c := range m.calls {
		waits := slices.ContainsFunc(m.waiting, func(it item) bool { return it.c == c }) || slices.Contains(m.outside, c)
		if !waits {
			continue
		}
		m.want.Failed += uint64(m.remove(c, why))
		want = append(want, c)
	}
	if len(want) != len(dropped) {
		t.Fatalf("%d calls were dropped, not %d", len(dropped), len(want))
	}
	for _, c := range want {
		if !slices.Contains(dropped, &c.Call) {
			t.Fatalf("%s was not dropped", c.name)
		}
	}
}

// check compares the queue with the model.
func (m *model) check(t *rapid.T) {
	m.now++
	s := m.q.Snapshot()
	queued := m.inside()
	for _, c := range m.outside {
		if c.Many != nil {
			queued += c.Items() - int(c.next)
		}
	}
	got := s.Counts
	if got != m.want || s.Queued != queued {
		t.Fatalf("the queue has %+v and %d queued, the model %+v and %d", got, s.Queued, m.want, queued)
	}
	if sum := got.Succeeded + got.Failed + got.Canceled + uint64(got.Inflight+s.Queued); sum != got.Submitted {
		t.Fatalf("%d submitted, %d there: %+v", got.Submitted, sum, s)
	}
	if m.limit > 0 && len(m.outside) > 0 && m.inside() < m.limit {
		t.Fatal("the model has room and somebody outside")
	}
	if !maps.Equal(m.dropped, m.gone) {
		t.Fatalf("told that %v were dropped, in the model %v", m.dropped, m.gone)
	}
	if drops := m.drop || m.failing; m.q.Drops() != drops || m.q.Refusal() != m.refusal() {
		t.Fatalf("it drops %v and refuses with %v, the model %v and %v", m.q.Drops(), m.q.Refusal(), drops, m.refusal())
	}
	if want := m.longest(); s.Waiting != want {
		t.Fatalf("the next has waited for %v, in the model %v: %v", s.Waiting, want, m.waiting)
	}
	m.checkCalls(t)
	m.checkSeats(t)
	if rapid.Bool().Draw(t, "all are fed") {
		m.feedCalled(t)
		m.checkRest(t)
	}
}

// feedCalled feeds every seat whose owner was named, and those that are named meanwhile.
func (m *model) feedCalled(t *rapid.T) {
	for i := slices.IndexFunc(m.seats, called); i >= 0; i = slices.IndexFunc(m.seats, called) {
		m.feedOn(t, m.seats[i])
	}
}

// longest is how long the one that runs next has waited.
func (m *model) longest() time.Duration {
	if len(m.waiting) == 0 {
		return 0
	}
	return m.now - m.waiting[m.best()].c.put
}

func called(s *modelSeat) bool { return s.called }

// checkRest checks that nothing waits while a seat with room rests, unless others are enough and somebody was told.
func (m *model) checkRest(t *rapid.T) {
	for _, s := range m.seats {
		if s.room() > 0 && len(s.holds) == 0 && m.runnable() && !(m.spared(s, 0) && m.held) {
			t.Fatalf("%v wait while a seat with room for %d rests: %+v", m.waiting, s.room(), s)
		}
	}
}

func (m *model) checkCalls(t *rapid.T) {
	ids := uint64(0)
	for _, c := range m.calls {
		if c.ID != 0 {
			if c.ID <= ids {
				t.Fatalf("%s has number %d, and %d is taken", c.name, c.ID, ids)
			}
			ids = c.ID + uint64(c.Items()) - 1
		}
		if _, told := m.entered[&c.Call]; told != c.accepted {
			t.Fatalf("%s: accepted %v, told %v", c.name, c.accepted, told)
		}
		if c.entered == nil {
			continue
		}
		free := false
		select {
		case <-c.entered:
			free = true
		default:
		}
		if outside := slices.Contains(m.outside, c); free == outside {
			t.Fatalf("%s: outside %v, its submitter is free %v", c.name, outside, free)
		}
	}
}

// checkSeats compares what the seats hold.
func (m *model) checkSeats(t *rapid.T) {
	for _, s := range m.seats {
		inflight, budget := m.q.Load(&s.Seat)
		if inflight != len(s.holds) || s.open && budget != s.budget {
			t.Fatalf("the seat has %d and a budget of %d, in the model %d and %d", inflight, budget, len(s.holds), s.budget)
		}
	}
}

// runnable reports whether something waits that is not just about to fail.
func (m *model) runnable() bool {
	return slices.ContainsFunc(m.waiting, func(it item) bool { return it.c.Many == nil || len(it.c.Payload(it.i)) > 0 })
}

// drain lets a new seat run everything that waits.
func (m *model) drain(t *rapid.T) {
	s := &modelSeat{open: true, window: 8, budget: -1}
	s.Owner, s.Number = s, uint64(len(m.seats))
	m.seats = append(m.seats, s)
	m.call(t, m.q.Open(&s.Seat, s.window, 0)...)
	m.relieve(t)
	for m.feedOn(t, s); len(s.holds) > 0; m.feedOn(t, s) {
		n := len(s.holds)
		for _, e := range s.holds {
			m.q.Forget(&e)
		}
		s.holds = nil
		m.want.Succeeded += uint64(n)
		m.want.Inflight -= n
		s.proven = true
		m.q.Settle(&s.Seat, Settled{Succeeded: n}, 8)
		m.relieve(t)
	}
	m.check(t)
	if len(m.waiting) > 0 || len(m.outside) > 0 {
		t.Fatalf("left: %v, %d outside", m.waiting, len(m.outside))
	}
}

// relieve finds every seat stuck.
func (m *model) relieve(t *rapid.T) {
	var stuck []*Seat
	for _, s := range m.seats {
		s.proven = false
		stuck = append(stuck, &s.Seat)
	}
	m.quick = false
	owners, held := m.q.Replace(stuck)
	m.held = held
	m.call(t, owners...)
}
