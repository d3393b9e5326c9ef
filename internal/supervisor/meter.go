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
	meterPeriod  = 5 * time.Millisecond // after tasks, a worker is looked at this often at most
	samplePeriod = 2 * time.Millisecond // while tasks run under Recycle.HardMemory
)

// meter looks at workers after their tasks, and under Recycle.HardMemory while they run: how much memory they hold, and
// what Recycle.When says. It never stands on the way of a result. It has a timer only while there is something to look at.
type meter struct {
	s     *Supervisor
	mu    sync.Mutex
	armed bool
	done  bool
	timer *time.Timer
	busy  sync.WaitGroup
}

// wanted reports whether workers are to be looked at.
func (m *meter) wanted() bool {
	return m.s.cfg.Measure || m.s.cfg.When != nil || m.s.cfg.HardMemory > 0
}

func (m *meter) period() time.Duration {
	if m.s.cfg.HardMemory > 0 {
		return samplePeriod
	}
	return meterPeriod
}

// soon makes the meter look.
func (m *meter) soon(after time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.armed || m.done {
		return
	}
	m.armed = true
	m.busy.Add(1)
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
	if m.armed && m.timer.Stop() {
		m.busy.Done()
	}
}

// walk runs on the timer's goroutine.
func (m *meter) walk() {
	defer m.busy.Done()
	again := false
	for _, w := range m.s.list() {
		again = w.look() || again
	}
	m.mu.Lock()
	m.armed = false
	m.mu.Unlock()
	if again {
		m.soon(m.period())
	}
}

// measureSoon is called after tasks were answered, and before one runs under HardMemory.
func (w *worker) measureSoon() {
	if w.s.meter.wanted() {
		w.link.dirty.Store(true)
		w.s.meter.soon(0)
	}
}

// look measures a worker that has run a task since the last time, or runs one under HardMemory. It reports whether it
// must be looked at again.
func (w *worker) look() (again bool) {
	cfg := &w.s.cfg
	running := cfg.HardMemory > 0 && w.link.running() > 0
	dirty := w.link.dirty.Swap(false)
	if !running && !dirty || !w.isReady() {
		return dirty
	}
	if cfg.Measure || cfg.HardMemory > 0 {
		w.weigh(dirty)
	}
	if dirty && cfg.When != nil && w.When() {
		w.s.post(lifecycle.Asked{ID: w.id, Reason: event.ReasonAsked, Later: true})
	}
	return true
}

// When asks Recycle.When, which may panic.
func (w *worker) When() (leave bool) {
	defer func() {
		if v := recover(); v != nil {
			w.s.cfg.Panicked(v)
		}
	}()
	return w.s.cfg.When(w.info(lifecycle.Info{ID: w.id, State: event.Ready, Spawned: w.born}))
}

func (w *worker) weigh(afterTask bool) {
	bytes, err := process.Memory(w.who().PID)
	if err != nil {
		return // it is gone, and its exit is told elsewhere
	}
	w.link.memory.Store(bytes)
	limit := w.s.cfg.HardMemory
	if limit > 0 && bytes > limit && w.link.running() > 0 {
		w.doom(event.CauseOutOfMemory, fmt.Sprintf("it held %d bytes, more than Recycle.HardMemory of %d", bytes, limit))
		return
	}
	if afterTask {
		w.s.post(lifecycle.Measured{ID: w.id, Memory: bytes, Tasks: int(w.link.ran.Load())})
	}
}
