package child

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/procpool/procpool/internal/transport"
)

// batches lets a worker run so many batches of n tasks that take so long each.
func batches(p *pace, started *int, count, n int, each time.Duration) {
	for range count {
		p.begin(*started)
		time.Sleep(time.Duration(n) * each)
		*started += n
		p.end(*started)
	}
}

// A worker tells how long its tasks take, but not of the first batch. Those that it waits for between two batches do not count,
// and a single long one does little.
func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		board := transport.NewMemoryBoard()
		p, started := pace{board: board}, 0
		batches(&p, &started, 1, 1, time.Hour)
		if got := board.Pace(); got != 0 {
			t.Errorf("after the first batch it tells %v", got)
		}
		for range timedBatches {
			batches(&p, &started, 1, 10, 2*time.Microsecond)
			time.Sleep(time.Second)
		}
		if got := board.Pace(); got != 2*time.Microsecond {
			t.Errorf("it tells %v, and each took 2µs", got)
		}
		p.learn(float64(time.Millisecond))
		if got := board.Pace(); got > 10*time.Microsecond {
			t.Errorf("one millisecond makes it %v", got)
		}
		batches(&p, &started, 40*timedBatches, 1, time.Millisecond)
		if got := board.Pace(); got < 900*time.Microsecond || got > time.Millisecond {
			t.Errorf("it tells %v, and each took 1ms", got)
		}
		p.learn(0)
		batches(&p, &started, timedBatches, 0, time.Hour) // stops and returned calls
		if got := board.Pace(); got == 0 || got > time.Millisecond {
			t.Errorf("it tells %v", got)
		}
	})
}
