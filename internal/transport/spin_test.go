package transport

import (
	"testing"
	"time"
)

// While spinning succeeds, every wait spins. When it does not, about one in a hundred does.
func TestSpinner(t *testing.T) {
	var s spinner
	spins := func(waits int, ok bool) (n int) {
		for range waits {
			if s.worth() {
				s.tell(ok)
				n++
			}
		}
		return n
	}
	if n := spins(1000, true); n != 1000 {
		t.Errorf("%d of 1000 successful waits spin", n)
	}
	if n := spins(100_000, false); n < 500 || n > 1500 {
		t.Errorf("%d of 100000 failing waits spin", n)
	}
	spins(maxPause, true)
	if n := spins(1000, true); n != 1000 {
		t.Errorf("after it succeeds again, %d of 1000 waits spin", n)
	}
}

func TestSpin(t *testing.T) {
	looks := 0
	if !spin(time.Hour, func() bool { looks++; return looks == 1000 }, func() {}) {
		t.Error("an hour was over")
	}
	if spin(time.Microsecond, func() bool { return false }, func() {}) {
		t.Error("something came")
	}
}
