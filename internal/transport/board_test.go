package transport

import (
	"math"
	"testing"
	"time"
)

// Whatever a worker writes as its pace, the pool reads a time that can have passed.
func TestPace(t *testing.T) {
	b := NewMemoryBoard()
	for raw, want := range map[uint64]time.Duration{0: 0, 1: 1, 1 << 63: math.MaxInt64, math.MaxUint64: math.MaxInt64} {
		b.word(boardPace).Store(raw)
		if got := b.Pace(); got != want {
			t.Errorf("%#x is read as %d", raw, got)
		}
	}
	for told, want := range map[time.Duration]time.Duration{-1: 1, 0: 1, 7: 7} { // 0 would mean that it does not tell
		b.TellPace(told)
		if got := b.Pace(); got != want {
			t.Errorf("%d is told as %d", told, got)
		}
	}
}
