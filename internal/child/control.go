package child

import (
	"bytes"
	"context"
	"io"

	"github.com/procpool/procpool/internal/transport"
	"github.com/procpool/procpool/internal/wire"
)

// receive reads the control channel once. It dispatches what must reach a busy worker, and appends the rest to out; keep
// makes the frames outlive buf. Its caller has the duty to read.
func (s *server) receive(buf []byte, out []wire.Frame, keep bool) ([]wire.Frame, error) {
	in := &s.inbox
	n, err := s.Control.Recv(buf)
	in.scan.Feed(buf[:n])
	for {
		h, body, owned, ok := in.scan.Next()
		if !ok {
			break
		}
		switch h.Type {
		case wire.Cancel:
			s.heedCancel(h.Seq)
		case wire.Dump:
			s.dump(h.Seq)
		case wire.Setup, wire.Call, wire.Stop:
			if keep && !owned {
				body = bytes.Clone(body)
			}
			out = append(out, wire.Frame{Header: h, Body: body})
		}
	}
	if err == nil {
		err = in.scan.Err()
	}
	return out, err
}

func (s *server) heedCancel(seq uint64) {
	s.canceled.Store(seq)
	if c := s.current.Load(); c != nil && c.seq == seq {
		c.cancel(context.Canceled)
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
