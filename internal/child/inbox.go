package child

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/procpool/procpool/internal/wire"
)

// inbox is how frames of the control channel come to the serving goroutine. One goroutine at a time has the duty to read
// that channel. Where calls come another way, it is a goroutine of its own. Where they come this way too, the serving
// goroutine reads whenever it has nothing to do, which saves the way from one goroutine to another, and lets it block in the
// read. Only when it has not come back for some time does the watch read in its place, because a busy worker must hear of a
// cancel and of the pool's end; until the serving goroutine waits, and there is something for it.
type inbox struct {
	shared bool         // calls come this way too; immutable
	scan   wire.Scanner // owned by who has the duty
	spare  []byte       // where others than the serving goroutine read; the same
	watch  *time.Timer  // runs server.look; nil if not shared
	armed  atomic.Bool  // the watch looks soon

	mu      sync.Mutex
	some    sync.Cond
	reading bool // somebody has the duty
	waiting bool // the serving goroutine waits
	ready   []wire.Frame
	err     error // nothing more comes
	turns   int   // how often the serving goroutine came for more
	seen    int   // turns when the watch last looked

	// Owned by the serving goroutine.
	taken []wire.Frame
	at    int    // of taken: those before were returned
	buf   []byte // what taken points into, if it was read here
}

const (
	readSize    = 64 << 10
	watchPeriod = time.Millisecond
)

// open begins to receive. It starts what reads beside the serving goroutine: one goroutine at most, which ends at the
// channel's end, or goes on and off with the watch.
func (s *server) open() {
	in := &s.inbox
	in.some.L = &in.mu
	if in.shared = s.Control == any(s.Calls); !in.shared {
		in.reading = true
		go s.control()
		return
	}
	in.buf = make([]byte, readSize)
	in.armed.Store(true)
	in.mu.Lock()
	defer in.mu.Unlock() // look must find the timer set
	in.watch = time.AfterFunc(watchPeriod, s.look)
}

// close lets the watch look no more. If it reads just now, it ends at the channel's end.
func (s *server) close() {
	if s.inbox.shared {
		s.inbox.watch.Stop()
	}
}

// control has the duty to read, until the channel's end, or until the serving goroutine can do so.
func (s *server) control() {
	in := &s.inbox
	if in.spare == nil {
		in.spare = make([]byte, readSize)
	}
	for {
		frames, err := s.receive(in.spare, nil, true)
		in.mu.Lock()
		in.ready = append(in.ready, frames...)
		over := in.shared && in.waiting && len(in.ready) > 0 && err == nil
		in.reading = !over
		in.mu.Unlock()
		in.some.Signal()
		if err != nil {
			s.hangUp(err)
		}
		if over || err != nil {
			return
		}
	}
}

// look takes over the duty from a serving goroutine that has not come for more since the last look. It runs on the timer's
// goroutine.
func (s *server) look() {
	in := &s.inbox
	in.armed.Store(false)
	in.mu.Lock()
	idle, long := in.reading, in.seen == in.turns
	in.seen = in.turns
	in.reading = idle || long
	in.mu.Unlock()
	switch {
	case idle: // or read for already; who gets the next frame arms the watch
	case long:
		s.control()
	default:
		s.arm()
	}
}

// arm makes the watch look, a period from now.
func (s *server) arm() {
	if in := &s.inbox; !in.armed.Load() && !in.armed.Swap(true) {
		in.watch.Reset(watchPeriod)
	}
}

// await returns the next frame, valid until the next call of await.
func (s *server) await() (*wire.Frame, error) {
	in := &s.inbox
	if in.at > 0 {
		in.taken[in.at-1] = wire.Frame{} // its body may be large
	}
	for in.at == len(in.taken) {
		in.at = 0
		s.pace.end(s.started)
		if err := s.take(); err != nil {
			return nil, err
		}
		s.pace.begin(s.started)
	}
	if in.shared {
		s.arm()
	}
	in.at++
	return &in.taken[in.at-1], nil
}

// take takes what others have read, or reads.
func (s *server) take() error {
	in := &s.inbox
	in.taken = in.taken[:0]
	in.mu.Lock()
	in.turns++
	for in.reading && len(in.ready) == 0 && in.err == nil {
		in.waiting = true
		in.some.Wait()
		in.waiting = false
	}
	if len(in.ready) > 0 {
		in.taken, in.ready = in.ready, nil
		in.mu.Unlock()
		return nil
	}
	if in.err != nil {
		in.mu.Unlock()
		return in.err
	}
	in.reading = true
	in.mu.Unlock()

	var err error
	in.taken, err = s.receive(in.buf, in.taken, false)
	if err != nil {
		s.hangUp(err) // nobody reads any more
		return nil
	}
	in.mu.Lock()
	in.reading = false
	in.mu.Unlock()
	return nil
}

func (in *inbox) fail(err error) {
	in.mu.Lock()
	in.err = err
	in.mu.Unlock()
	in.some.Signal()
}
