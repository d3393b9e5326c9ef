package supervisor

import "sync"

// Mailbox hands values to Each, one at a time and in order. Its goroutine lives only while there are values, so that a
// quiet pool has none; Wait waits for it.
type Mailbox[T any] struct {
	Each func(T)          // set before the first Put
	Most int              // values that may wait, about; 0: no limit
	Lost func(n uint64) T // makes the value that tells of n values beyond Most, which were dropped

	mu      sync.Mutex
	waiting []T
	busy    bool
	lost    uint64
	idle    []chan struct{} // closed when it has become empty
}

// Put adds a value. It never blocks.
func (m *Mailbox[T]) Put(v T) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.Most > 0 && len(m.waiting) >= m.Most {
		m.lost++
		return
	}
	m.waiting = append(m.waiting, v)
	if !m.busy {
		m.busy = true
		go m.run() // ends when nothing waits; waited for by Wait
	}
}

func (m *Mailbox[T]) run() {
	for {
		m.mu.Lock()
		batch := m.waiting
		m.waiting = nil
		if m.lost > 0 {
			batch = append(batch, m.Lost(m.lost))
			m.lost = 0
		}
		if len(batch) == 0 {
			m.busy = false
			for _, c := range m.idle {
				close(c)
			}
			m.idle = nil
			m.mu.Unlock()
			return
		}
		m.mu.Unlock()
		for _, v := range batch {
			m.Each(v)
		}
	}
}

// Empty returns a channel that is closed once everything that was put has been handled.
func (m *Mailbox[T]) Empty() <-chan struct{} {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := make(chan struct{})
	if !m.busy {
		close(c)
		return c
	}
	m.idle = append(m.idle, c)
	return c
}
