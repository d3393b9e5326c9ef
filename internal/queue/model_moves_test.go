package queue

import (
	"slices"
	"time"

	"pgregory.net/rapid"
)

// enter is a submitter that waits for room, and looks or gives up.
func (m *model) enter(t *rapid.T) {
	c := draw(t, m.calls, func(c *modelCall) bool { return c.entered != nil })
	if c == nil {
		return
	}
	ok, err := m.q.Entered(&c.Call)
	c.entered = nil
	switch i := slices.Index(m.outside, c); {
	case i >= 0:
		m.outside = slices.Delete(m.outside, i, i+1)
		if ok || err != nil {
			t.Fatalf("%s waits outside, and entered: %v, %v", c.name, ok, err)
		}
		m.settleOutside()
	case c.accepted: // also if it was dropped since: its sink is told
		if !ok || err != nil {
			t.Fatalf("%s did not enter: %v, %v", c.name, ok, err)
		}
	case ok || err == nil:
		t.Fatalf("%s was turned away, and entered: %v, %v", c.name, ok, err)
	}
}

func draw[T any](t *rapid.T, of []*T, fits func(*T) bool) *T {
	var all []*T
	for _, v := range of {
		if fits(v) {
			all = append(all, v)
		}
	}
	if len(all) == 0 {
		return nil
	}
	return all[rapid.IntRange(0, len(all)-1).Draw(t, "which")]
}

func (s *modelSeat) room() int {
	room := s.window - len(s.holds)
	if s.budget >= 0 {
		room = min(room, s.budget)
	}
	if !s.open || s.blocked {
		return 0
	}
	return max(room, 0)
}

func (m *model) take(t *rapid.T) {
	s := m.seats[rapid.IntRange(0, len(m.seats)-1).Draw(t, "seat")]
	for most := rapid.IntRange(1, 5).Draw(t, "out"); m.feed(t, s, most) == most; {
	}
}

// feed lets a seat take. The items that it gets are the first of the highest priority.
func (m *model) feed(t *rapid.T, s *modelSeat, most int) int {
	out := make([]Run, most)
	room := s.room()
	n, wake := m.q.Take(&s.Seat, out)
	s.called = false
	for _, e := range entries(out[:n]) {
		it := m.next()
		if got := (item{m.of(e.Call), e.Item}); got != it {
			t.Fatalf("took %v, next was %v of %v", got, it, m.waiting)
		}
		if want := it.c.attempts[it.i] + 1; e.Attempt != want {
			t.Fatalf("%v: attempt %d, not %d", it, e.Attempt, want)
		}
		s.holds = append(s.holds, e)
		m.taking++
		m.want.Inflight++
		m.want.Wait += m.now - it.c.put
		room--
		if s.budget > 0 {
			s.budget--
		}
	}
	if room < 0 {
		t.Fatalf("a seat took %d more than it has room for: %+v", -room, s)
	}
	if room > 0 && n < most && !m.spared(s, n) {
		if it := m.next(); it.c != nil {
			t.Fatalf("a seat with room for %d more did not take %v", room, it)
		}
	}
	m.taking = 0
	m.settleOutside()
	m.call(t, wake)
	return n
}

// entries are the items of runs.
func entries(runs []Run) (all []Entry) {
	for _, r := range runs {
		for i := range r.Len() {
			all = append(all, r.At(i))
		}
	}
	return all
}

// next removes the item that runs next; those which could not be encoded fail on the way.
func (m *model) next() item {
	for len(m.waiting) > 0 {
		best := m.best()
		it := m.waiting[best]
		m.waiting = slices.Delete(m.waiting, best, best+1)
		if it.c.Many == nil || len(it.c.Payload(it.i)) > 0 {
			return it
		}
		m.want.Failed++
		m.settleOutside()
	}
	return item{}
}

// best returns the place of the item that is next: the first of the highest priority.
func (m *model) best() (best int) {
	for i, it := range m.waiting {
		if it.c.Task.Priority > m.waiting[best].c.Task.Priority {
			best = i
		}
	}
	return best
}

func (m *model) settle(t *rapid.T) {
	s := draw(t, m.seats, func(s *modelSeat) bool { return len(s.holds) > 0 })
	if s == nil {
		return
	}
	n := rapid.IntRange(1, len(s.holds)).Draw(t, "answers")
	d := Settled{Run: time.Duration(rapid.IntRange(0, 9).Draw(t, "run"))}
	d.Each = rapid.SampledFrom([]time.Duration{0, 1, quickTask, quickTask + 1}).Draw(t, "each")
	m.want.Run += d.Run
	for i, e := range s.holds[:n] {
		if e.Attempt > 1 {
			m.q.Forget(&e)
		}
		switch {
		case m.of(e.Call).canceled:
			d.Canceled++
		case i%3 == 2:
			d.Failed++
		default:
			d.Succeeded++
		}
	}
	s.holds = s.holds[n:]
	m.want.Succeeded += uint64(d.Succeeded)
	m.want.Failed += uint64(d.Failed)
	m.want.Canceled += uint64(d.Canceled)
	m.want.Inflight -= n
	s.window, s.blocked, s.proven = rapid.IntRange(1, 6).Draw(t, "window"), false, true
	switch {
	case d.Each > quickTask:
		m.slow++
		m.quick = m.quick && m.slow < m.q.Crew
	case d.Each > 0:
		m.quick, m.slow = true, 0
	}
	wake, drained := m.q.Settle(&s.Seat, d, s.window)
	m.part(t, s, drained)
	m.call(t, wake)
	if s.open { // else its worker is gone, or about to be
		m.feedOn(t, s)
	}
}

// crew counts the seats that work, but for one.
func (m *model) crew(but *modelSeat) (n int) {
	for _, s := range m.seats {
		if s != but && s.proven && !s.gone && len(s.holds) > 0 {
			n++
		}
	}
	return n
}

// spared reports whether others are enough, so that a seat which has just taken n items takes no more.
func (m *model) spared(s *modelSeat, n int) bool {
	return n == 0 && m.quick && m.q.Crew > 0 && m.crew(s) >= m.q.Crew
}

// replace is the look at those that may be stuck.
func (m *model) replace(t *rapid.T) {
	var stuck []*Seat
	for _, s := range m.seats {
		if len(s.holds) > 0 && rapid.Bool().Draw(t, "stuck") {
			s.proven = false
			stuck = append(stuck, &s.Seat)
		}
	}
	m.quick = m.quick && m.crew(nil) > 0
	owners, held := m.q.Replace(stuck)
	m.held = held
	m.call(t, owners...)
}

// feedOn is what every owner does after its seat got room: it feeds.
func (m *model) feedOn(t *rapid.T, s *modelSeat) { m.feed(t, s, 64) }

// part checks that a seat's owner learns exactly once that it is empty and takes no more.
func (m *model) part(t *rapid.T, s *modelSeat, told bool) {
	spent := s.budget == 0
	empty := len(s.holds) == 0 && (!s.open || spent)
	if want := empty && !s.parted && !s.left; told != want {
		t.Fatalf("drained: told %v, is %v: %+v", told, want, s)
	}
	s.parted = s.parted || told
}

func (m *model) requeue(t *rapid.T) { m.back(t, false) }
func (m *model) retry(t *rapid.T)   { m.back(t, true) }

// back returns the last items of a seat to the queue.
func (m *model) back(t *rapid.T, started bool) {
	s := draw(t, m.seats, func(s *modelSeat) bool { return len(s.holds) > 0 })
	if s == nil {
		return
	}
	from := rapid.IntRange(0, len(s.holds)-1).Draw(t, "from")
	entries := slices.Clone(s.holds[from:])
	s.holds = s.holds[:from]
	var front []item
	for _, e := range entries {
		it := item{m.of(e.Call), e.Item}
		m.want.Inflight--
		if !started && s.budget >= 0 {
			s.budget++
		}
		switch {
		case it.c.canceled:
			m.want.Canceled++
		case m.drop || m.failing:
			m.want.Failed++
		case started:
			m.want.Retried++
		default:
			m.want.Requeued++
		}
		if started && !it.c.canceled {
			it.c.attempts[it.i] = e.Attempt
		}
		if !it.c.canceled && !m.drop && !m.failing {
			front = append(front, it)
		}
	}
	m.waiting = append(front, m.waiting...)
	aborts := make([]int, len(entries))
	for i, e := range entries {
		aborts[i] = m.of(e.Call).aborts
	}
	told := 0
	owners, drained := m.q.Requeue(&s.Seat, entries, started, func(e *Entry, back bool, err error) {
		told++
		if back != slices.Contains(front, item{m.of(e.Call), e.Item}) {
			t.Fatalf("%s.%d: back %v, %v", m.of(e.Call).name, e.Item, back, err)
		}
	})
	for i, e := range entries {
		if c := m.of(e.Call); (c.aborts > aborts[i]) != (m.drop || m.failing) {
			t.Fatalf("%s was aborted: %v; the queue drops: %v", c.name, c.aborts > aborts[i], m.drop || m.failing)
		}
	}
	if told != len(entries) {
		t.Fatalf("told of %d of %d", told, len(entries))
	}
	m.part(t, s, drained)
	m.call(t, owners...)
	m.feedOn(t, s)
}

func (m *model) cancel(t *rapid.T) {
	c := draw(t, m.calls, func(c *modelCall) bool { return !c.canceled })
	if c == nil {
		return
	}
	n := m.q.Cancel(&c.Call)
	want := m.remove(c, nil)
	m.want.Canceled += uint64(want)
	if n != want {
		t.Fatalf("%s: canceled %d, not %d", c.name, n, want)
	}
	m.settleOutside()
}

// remove takes a call out of the queue, and returns how many accepted items of it waited.
func (m *model) remove(c *modelCall, why error) (n int) {
	m.waiting = slices.DeleteFunc(m.waiting, func(it item) bool {
		if it.c == c {
			m.gone[it] = why
			n++
		}
		return it.c == c
	})
	if i := slices.Index(m.outside, c); i >= 0 {
		for k := c.next; c.Many != nil && int(k) < c.Items(); k++ {
			m.gone[item{c, k}] = why
			n++
		}
		m.outside = slices.Delete(m.outside, i, i+1)
	}
	c.canceled = true
	return n
}
