package event

import (
	"fmt"
	"os"
	"runtime/debug"
	"sync"
)

// Tee returns an observer that hands each event to all of these, one after the other; nil ones are left out. If one
// panics, the others are told all the same, and then the panic goes on.
func Tee(observers ...func(Event)) func(Event) {
	return func(e Event) { tellAll(observers, e) }
}

func tellAll(observers []func(Event), e Event) {
	if len(observers) == 0 {
		return
	}
	defer tellAll(observers[1:], e)
	if observers[0] != nil {
		observers[0](e)
	}
}

// Buffer stands between a pool and an observer that may be slow. Make one with [Async].
type Buffer struct {
	observe func(Event)
	size    int

	mu      sync.Mutex
	waiting []Event
	busy    bool
	idle    *sync.Cond // signalled when busy ends
	dropped uint64
}

// Async returns a buffer that hands events to observe, in order and one at a time, on a goroutine of its own. It holds
// size events; when it is full, further ones are dropped and counted. A pool's observers wait for each other, never the
// pool for them: so this is for one of several that takes its time, a network for example.
//
// Give its Observe method to Config.OnEvent or to Tee.
func Async(size int, observe func(Event)) *Buffer {
	b := &Buffer{observe: observe, size: max(size, 1)}
	b.idle = sync.NewCond(&b.mu)
	return b
}

// Observe takes an event in. It never blocks.
func (b *Buffer) Observe(e Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.waiting) == b.size {
		b.dropped++
		return
	}
	b.waiting = append(b.waiting, e)
	if !b.busy {
		b.busy = true
		go b.run() // ends when nothing waits; Flush waits for it
	}
}

// Dropped returns how many events found the buffer full.
func (b *Buffer) Dropped() uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.dropped
}

// Flush waits until every event that was taken in has been handed on.
func (b *Buffer) Flush() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.busy {
		b.idle.Wait()
	}
}

// run hands on what waits.
func (b *Buffer) run() {
	b.mu.Lock()
	defer b.mu.Unlock()
	defer func() {
		b.busy = len(b.waiting) > 0
		if b.busy { // the observer called runtime.Goexit
			go b.run()
		}
		b.idle.Broadcast()
	}()
	for len(b.waiting) > 0 {
		e := b.waiting[0]
		b.waiting = b.waiting[1:]
		b.handOn(e)
	}
	b.waiting = nil
}

// handOn calls the observer without the lock. If it panics, that is told on standard error, and the next event comes.
func (b *Buffer) handOn(e Event) {
	b.mu.Unlock()
	defer b.mu.Lock()
	defer func() {
		if v := recover(); v != nil {
			fmt.Fprintf(os.Stderr, "procpool: an observer panicked: %v\n%s", v, debug.Stack())
		}
	}()
	b.observe(e)
}
