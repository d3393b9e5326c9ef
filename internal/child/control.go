package child

import (
	"context"
	"io"
	"sync"

	"github.com/procpool/procpool/internal/transport"
	"github.com/procpool/procpool/internal/wire"
)

// control reads what must reach a busy worker. Started by Serve; ends at the channel's end.
func (s *server) control() {
	var scan wire.Scanner
	buf := make([]byte, 64<<10)
	for {
		n, err := s.Control.Recv(buf)
		scan.Feed(buf[:n])
		for {
			h, body, owned, ok := scan.Next()
			if !ok {
				break
			}
			s.dispatch(h, body, owned)
		}
		s.inbox.flush()
		if err == nil {
			err = scan.Err()
		}
		if err != nil {
			s.hangUp(err)
			return
		}
	}
}

// hangUp ends a worker whose pool is gone.
func (s *server) hangUp(err error) {
	if s.Gone != nil && err == io.EOF {
		s.Gone()
	}
	s.over.Store(true)
	if c := s.current.Load(); c != nil {
		c.cancel(context.Canceled) // nobody waits for it any more
	}
	s.inbox.fail(err)
}

func (s *server) dispatch(h wire.Header, body []byte, owned bool) {
	switch h.Type {
	case wire.Cancel:
		s.canceled.Store(h.Seq)
		if c := s.current.Load(); c != nil && c.seq == h.Seq {
			c.cancel(context.Canceled)
		}
	case wire.Dump:
		s.dump(h.Seq)
	case wire.Setup, wire.Call, wire.Stop:
		if !owned {
			body = append([]byte(nil), body...)
		}
		s.inbox.add(wire.Frame{Header: h, Body: body})
	}
}

// inbox hands frames from the control goroutine to the serving one.
type inbox struct {
	pending []wire.Frame // owned by the adder until flush

	mu    sync.Mutex
	some  sync.Cond
	ready []wire.Frame
	err   error

	taken []wire.Frame // owned by the taker, as is the next
	at    int          // of taken: those before were returned
}

func (b *inbox) add(f wire.Frame) { b.pending = append(b.pending, f) }

func (b *inbox) flush() {
	if len(b.pending) == 0 {
		return
	}
	b.mu.Lock()
	b.ready = append(b.ready, b.pending...)
	b.mu.Unlock()
	clear(b.pending)
	b.pending = b.pending[:0]
	b.some.Signal()
}

func (b *inbox) fail(err error) {
	b.mu.Lock()
	b.err = err
	b.mu.Unlock()
	b.some.Signal()
}

// next returns the next frame, valid until the next call of next.
func (b *inbox) next() (f *wire.Frame, err error) {
	if b.at > 0 {
		b.taken[b.at-1] = wire.Frame{} // its body may be large
	}
	if b.at == len(b.taken) {
		b.at = 0
		if b.taken, err = b.wait(); err != nil {
			return nil, err
		}
	}
	b.at++
	return &b.taken[b.at-1], nil
}

func (b *inbox) wait() ([]wire.Frame, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for len(b.ready) == 0 && b.err == nil {
		b.some.Wait()
	}
	got := b.ready
	b.ready = nil
	if len(got) == 0 {
		return nil, b.err
	}
	return got, nil
}

// streamed cuts calls from a stream of their own. It is owned by the serving goroutine.
type streamed struct {
	peer   transport.Peer
	scan   wire.Scanner
	buf    []byte
	frames [64]wire.Frame // cut, and from at on not yet taken
	at, n  int
}

// more reports whether another call is at hand, which will be answered soon. A stop is not: to leave may take long.
func (s *streamed) more() bool { return s.at < s.n && s.frames[s.at].Type == wire.Call }

func (s *streamed) next() (*wire.Frame, error) {
	for s.at == s.n {
		if s.at, s.n = 0, s.scan.Cut(s.frames[:]); s.n > 0 {
			break
		}
		if err := s.scan.Err(); err != nil {
			return nil, err
		}
		if err := s.receive(); err != nil {
			return nil, err
		}
	}
	s.at++
	return &s.frames[s.at-1], nil
}

func (s *streamed) receive() error {
	n, err := s.peer.Recv(s.scan.Space(s.buf))
	s.scan.Came(s.buf, n)
	return err
}
