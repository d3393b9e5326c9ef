package supervisor

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/procpool/procpool/internal/queue"
)

// TestFlight drives a flight beside a plain list of its items: runs of many and of one are pushed, popped whole and in
// parts, put back in front, made ghosts of anywhere, and emptied. After each step both hold the same items, in order and by
// the same numbers.
func TestFlight(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := flightModel{first: 1}
		t.Repeat(map[string]func(*rapid.T){
			"":     m.check,
			"push": m.push,
			"pop":  m.pop,
			"take": m.take,
			"end":  m.end,
		})
	})
}

// flightModel is what a flight should be.
type flightModel struct {
	flight
	first uint64
	held  []queue.Entry // without a call: ghosts
}

// draw returns any number from 0 to most.
func draw(t *rapid.T, what string, most int) int { return rapid.IntRange(0, most).Draw(t, what) }

func (m *flightModel) push(t *rapid.T) {
	r := queue.Run{Entry: queue.Entry{Call: new(queue.Call), Attempt: int32(draw(t, "attempt", 2))}}
	r.Item = int32(draw(t, "from", 9))
	r.To = r.Item + 1 + int32(draw(t, "more", 5))
	m.held = append(m.held, items(r)...)
	m.flight.push(&r)
}

// pop is what becomes of answers: runs are popped, and from a wrong answer on they are put back.
func (m *flightModel) pop(t *rapid.T) {
	most := draw(t, "most", len(m.held)+2)
	n := min(most, len(m.held))
	runs, first := m.flight.pop(most, make([]queue.Run, most+draw(t, "spare", 3)))
	m.same(t, "popped", items(runs...), m.held[:n])
	if n > 0 && first != m.first {
		t.Fatalf("popped from number %d on, not %d", first, m.first)
	}
	good := n
	if n > 0 && rapid.Bool().Draw(t, "one is wrong") {
		good = draw(t, "good", n)
		m.flight.unpop(without(runs, good), first+uint64(good))
	}
	m.held = m.held[good:]
	m.first += uint64(good)
}

// without returns the runs without their first n items, as settleRun leaves them.
func without(runs []queue.Run, n int) []queue.Run {
	for i := range runs {
		r := &runs[i]
		cut := min(n, r.Len())
		r.Cut(cut)
		if n -= cut; r.Len() > 0 {
			return runs[i:]
		}
	}
	return nil
}

func (m *flightModel) take(t *rapid.T) {
	after := m.first + uint64(draw(t, "after", len(m.held)+1))
	after -= min(after, uint64(draw(t, "before", 2)))
	last := after + uint64(draw(t, "items", len(m.held)+2))
	var want []queue.Entry
	for i := range m.held {
		if seq := m.first + uint64(i); after < seq && seq <= last && m.held[i].Call != nil {
			want = append(want, m.held[i])
			m.held[i].Call = nil
		}
	}
	m.same(t, "took", m.flight.take(after, last), want)
}

// end is what becomes of a flight whose worker is gone.
func (m *flightModel) end(t *rapid.T) {
	runs, first := m.flight.empty()
	m.same(t, "emptied", items(runs...), m.held)
	if len(runs) > 0 && first != m.first {
		t.Fatalf("emptied from number %d on, not %d", first, m.first)
	}
	m.first += uint64(len(m.held))
	m.held = nil
}

// check compares both, each way to look at it.
func (m *flightModel) check(t *rapid.T) {
	var got []queue.Entry
	for seq, r := range m.flight.all() {
		if want := m.first + uint64(len(got)); seq != want {
			t.Fatalf("%d items, and the next run has number %d, not %d", len(got), seq, want)
		}
		if r.Len() == 0 {
			t.Fatalf("an empty run at number %d", seq)
		}
		got = append(got, items(*r)...)
	}
	m.same(t, "holds", got, m.held)
	if m.len() != len(m.held) {
		t.Fatalf("its length is %d, not %d", m.len(), len(m.held))
	}
	if len(m.held) > 0 && m.front().At(0) != m.held[0] {
		t.Fatalf("in front is %v, not %v", *m.front(), m.held[0])
	}
	for i := range m.ring { // what is done with is let go
		if used := (i-m.head)&(len(m.ring)-1) < m.n; !used && m.ring[i] != (queue.Run{}) {
			t.Fatalf("place %d still holds %v", i, m.ring[i])
		}
	}
}

func (m *flightModel) same(t *rapid.T, what string, got, want []queue.Entry) {
	if !slices.Equal(got, want) {
		t.Fatalf("%s %v, not %v", what, got, want)
	}
}

// items are those of runs, singly.
func items(runs ...queue.Run) (all []queue.Entry) {
	for _, r := range runs {
		for i := r.Item; i < r.To; i++ {
			e := r.Entry
			e.Item = i
			all = append(all, e)
		}
	}
	return all
}

// Who looks for one run stops at it.
func TestFlightAllStops(t *testing.T) {
	var f flight
	for range 3 {
		f.push(&queue.Run{Entry: queue.Entry{Call: new(queue.Call)}, To: 2})
	}
	seen := 0
	for seq := range f.all() {
		if seen++; seq == 3 {
			break
		}
	}
	if seen != 2 {
		t.Errorf("saw %d runs, up to the second", seen)
	}
}
