package procpool

import (
	"errors"
	"io"
	"os"
	"time"

	"github.com/procpool/procpool/internal/lines"
	"github.com/procpool/procpool/internal/process"
	"github.com/procpool/procpool/internal/supervisor"
	"github.com/procpool/procpool/internal/transport"
)

// launchLines starts a filter, and what translates between it and the pool.
func launchLines(c *Config, path string, args []string) supervisor.Launch {
	spec := c.spec(path, args, "")
	return func(_ string, prime func(transport.Conn, *transport.Board)) (supervisor.Process, error) {
		conn, peer, board := transport.NewMemory()
		prime(conn, board)
		return startFilter(spec, peer, board)
	}
}

func startFilter(spec process.Spec, peer *transport.MemoryPeer, board *transport.Board) (supervisor.Process, error) {
	stdin, in, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	spec.Stdin, spec.Held = stdin, true
	p, err := process.Start(spec)
	stdin.Close()
	if err != nil {
		in.Close()
		return nil, err
	}
	return &filter{running{p}, lines.Serve(peer, board, in, printed{p.Stdout}), peer, in}, nil
}

// printed is what a filter prints: once the read deadline is set, what the pipe still holds, and then the end.
type printed struct{ f *os.File }

func (r printed) Read(p []byte) (int, error) {
	n, err := r.f.Read(p)
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		return n, err
	}
	if n, err = process.ReadNow(r.f, p); err == process.ErrNothing {
		err = io.EOF
	}
	return n, err
}

// filter is a line filter as the supervisor sees it: it is gone when what it printed last has been read.
type filter struct {
	running
	tr   *lines.Filter
	peer *transport.MemoryPeer
	in   *os.File
}

func (f *filter) Wait() process.Status {
	st := f.p.Wait()
	f.p.Stdout.SetReadDeadline(time.Unix(1, 0)) // what the pipe holds is still read; nobody waits for its end
	<-f.tr.Drained()
	f.p.Stdout.Close()
	f.in.Close()
	f.peer.Close()
	return st
}

func (f *filter) Output() (stdout, stderr *os.File) { return nil, f.p.Stderr }
