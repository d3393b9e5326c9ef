package child

import (
	"math"
	"time"

	"github.com/procpool/procpool/internal/transport"
)

// pace tells the pool how long tasks take, by the worker's own clock: what passes in the pool between two answers says more
// about who else wants a processor. It is owned by the serving goroutine.
//
// It times a batch of calls that came together, from when they are there to when the worker asks for more, and only every
// eighth, since a look at the clock costs as much as a small task. The first batch of a life is not timed: it touches
// everything for the first time.
type pace struct {
	board   *transport.Board
	batches uint
	timing  bool
	since   time.Time
	started int // tasks of this life when the batch began
	each    float64
}

const timedBatches = 8 // one in so many

// begin is called when calls have come.
func (p *pace) begin(started int) {
	if p.batches++; p.batches%timedBatches == 2 {
		p.timing, p.started, p.since = true, started, time.Now()
	}
}

// end is called when they have been answered.
func (p *pace) end(started int) {
	if !p.timing {
		return
	}
	p.timing = false
	if n := started - p.started; n > 0 {
		p.learn(float64(time.Since(p.since)) / float64(n))
	}
}

// learn takes in that tasks of a batch took so many nanoseconds each. The mean is a geometric one: that the system had no time
// for the worker once says little, and that one task in two takes a hundred times as long as the other says that they are long.
func (p *pace) learn(each float64) {
	each = max(each, 1)
	if p.each == 0 {
		p.each = each
	}
	p.each *= math.Pow(each/p.each, 1./8)
	p.board.TellPace(time.Duration(p.each))
}
