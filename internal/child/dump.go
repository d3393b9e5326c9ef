package child

import (
	"bytes"
	"runtime"

	"github.com/procpool/procpool/internal/wire"
)

// mostDump is how much of a dump is sent.
const mostDump = 64 << 10

// dump tells the pool what every goroutine does, if call seq still runs. It is called by who reads the control
// channel; its own stack comes first and is left out.
func (s *server) dump(seq uint64) {
	if c := s.current.Load(); c != nil && c.seq == seq {
		c.running(func() { s.sendDump(seq) }) // while it runs, nobody else sends
	}
}

func (s *server) sendDump(seq uint64) {
	buf := make([]byte, mostDump)
	text := buf[:runtime.Stack(buf, true)]
	if _, others, ok := bytes.Cut(text, []byte("\n\n")); ok {
		text = others
	}
	s.publish(wire.AppendFrame(nil, wire.Header{Type: wire.Dumped, Seq: seq}, text)) // a broken channel shows elsewhere
}

// publish sends a frame.
func (s *server) publish(frame []byte) error { return s.Calls.Send(frame, nil) }
