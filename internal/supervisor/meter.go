package supervisor

import (
	"fmt"
	"sync"
	"time"

	"github.com/procpool/procpool/event"
	"github.com/procpool/procpool/internal/lifecycle"
	"github.com/procpool/procpool/internal/process"
)

const (
	meterPeriod = 5 * time.Millisecond // after tasks, a worker is measured this often at most

	// While tasks run under Recycle.HardMemory, the next look is when the worker could reach the limit if it did nothing
	// but touch fresh memory, as fast as kernels hand it out.
	fastest     = 8 << 30 // bytes a second
	leastSample = 500 * time.Microsecond
	mostSample  = 50 * time.Millisecond
)

// meter measures workers after their tasks, and under Recycle.HardMemory while they run. It never stands on the way of a
// result. It has a timer only while there is something to measure.
type meter struct {
	s    *Supervisor
	busy sync.WaitGroup // the timer, and its walk

	mu    sync.Mutex
	next  time.Time // when the timer fires; zero: it does not
	done  bool
	timer *time.Timer
}

// soon makes the meter look, after this time at the latest.
func (m *meter) soon(after time.Duration) {
	at := time.Now().Add(after)
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.done || !m.next.IsZero() && !at.Before(m.next) {
		return
	}
	if m.next.IsZero() || !m.timer.Stop() {
		m.busy.Add(1) // else the walk that does not take place has its place
	}
	m.next = at
	if m.timer == nil {
		m.timer = time.AfterFunc(after, m.walk)
	} else {
		m.timer.Reset(after)
	}
}

func (m *meter) stop() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.done = true
	if !m.next.IsZero() && m.timer.Stop() {
		m.busy.Done()
	}
}

// walk runs on the timer's goroutine.
func (m *meter) walk() {
	defer m.busy.Done()
	m.mu.Lock()
	m.next = time.Time{} // before the look: what comes from now on is for the next one
	m.mu.Unlock()
	var next time.Duration
	for _, w := range m.s.list() {
		if again := w.look(); again > 0 && (next == 0 || again < next) {
			next = again
		}
	}
	if next > 0 {
		m.soon(next)
	}
}

// measureSoon is called after tasks were answered. The worker's size after its first task is what later ones are compared
// with, so that is measured before it gets the next.
func (w *worker) measureSoon() {
	w.judgeSoon()
	switch {
	case !w.s.cfg.Measure:
	case w.link.ran.Load() == 1:
		w.weigh()
	case !w.link.dirty.Swap(true):
		w.s.meter.soon(meterPeriod)
	}
}

// measureFirst is called when the worker is ready: if it is over its limit already, it is not the tasks' fault.
func (w *worker) measureFirst() {
	if w.s.cfg.Measure {
		w.weigh()
	}
}

// look measures a worker that has answered tasks since the last time, or runs one under HardMemory. It returns when it
// must look again; 0: not by itself.
func (w *worker) look() (again time.Duration) {
	if w.link.dirty.Swap(false) {
		w.weigh()
	}
	if w.s.cfg.HardMemory == 0 || w.link.running() == 0 {
		return 0
	}
	if wait := w.sampleIn(); wait > leastSample {
		return wait
	}
	return w.sample()
}

// sampleSoon is called when the worker gets a task and had none.
func (w *worker) sampleSoon() {
	if w.s.cfg.HardMemory > 0 {
		w.s.meter.soon(max(leastSample, w.sampleIn()))
	}
}

// sampleIn returns for how long the worker can surely not be over HardMemory.
func (w *worker) sampleIn() time.Duration {
	return time.Duration(w.link.hardAt.Load()) - w.s.cfg.Clock()
}

// sample ends the worker if it is over HardMemory, and else tells when it can be at the earliest.
func (w *worker) sample() time.Duration {
	limit := w.s.cfg.HardMemory
	bytes := w.measure()
	if bytes <= limit {
		wait := time.Duration(min(limit-bytes, fastest)) * time.Second / fastest
		wait = min(max(leastSample, wait), mostSample)
		w.link.hardAt.Store(int64(w.s.cfg.Clock() + wait))
		return wait
	}
	if w.link.running() > 0 {
		w.doomFor(event.CauseOutOfMemory, event.Figures{Memory: bytes, Bytes: limit},
			fmt.Sprintf("it held %d bytes, more than Recycle.HardMemory of %d", bytes, limit))
	}
	return 0
}

// weigh tells the machine how much memory the worker holds, and after how many tasks.
func (w *worker) weigh() {
	ran := int(w.link.ran.Load())
	if bytes := w.measure(); bytes > 0 {
		w.s.post(lifecycle.Measured{ID: w.id, Memory: bytes, Tasks: ran})
	}
}

// measure returns how many bytes are resident; 0 if the worker is gone, which is told elsewhere.
func (w *worker) measure() uint64 {
	bytes, err := process.Memory(w.who().PID)
	if err != nil || bytes == 0 {
		return 0
	}
	w.link.memory.Store(bytes)
	return bytes
}
