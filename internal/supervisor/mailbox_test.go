package supervisor

import (
	"slices"
	"testing"
)

// A mailbox whose reader is stuck keeps Most values, counts the rest, and tells the count where they are missing.
func TestMailboxDrops(t *testing.T) {
	taken, gate := make(chan struct{}), make(chan struct{})
	var got []int
	m := Mailbox[int]{Most: 3, Lost: func(n uint64) int { return -int(n) }}
	m.Each = func(v int) {
		if v == 0 {
			close(taken)
			<-gate
		}
		got = append(got, v)
	}
	m.Put(0)
	<-taken
	for v := range 10 {
		m.Put(1 + v)
	}
	close(gate)
	<-m.Empty()
	m.Put(11)
	<-m.Empty()
	if !slices.Equal(got, []int{0, 1, 2, 3, -7, 11}) {
		t.Errorf("got %v", got)
	}
}
