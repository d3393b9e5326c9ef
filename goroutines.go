package procpool

import (
	"os"
	"sync"

	"github.com/procpool/procpool/internal/child"
	"github.com/procpool/procpool/internal/process"
	"github.com/procpool/procpool/internal/supervisor"
	"github.com/procpool/procpool/internal/transport"
)

// launchGoroutine serves a channel within the process.
func launchGoroutine(*Config) supervisor.Launch {
	return func(_ string, prime func(transport.Conn, *transport.Board)) (supervisor.Process, error) {
		conn, peer, board := transport.NewMemory()
		prime(conn, board)
		g := &goroutine{exited: make(chan struct{}), peer: peer}
		go func() { // ends at stop, or at the end of the task that runs when it is killed; nobody waits for an abandoned one
			child.Serve(program(), child.Channel{Calls: peer, Control: peer, Board: board}, os.Getpid())
			g.end()
		}()
		return g, nil
	}
}

// goroutine is a worker that is no process.
type goroutine struct {
	peer   *transport.MemoryPeer
	once   sync.Once
	exited chan struct{}
}

func (g *goroutine) end() {
	g.once.Do(func() {
		g.peer.Close()
		close(g.exited)
	})
}

func (g *goroutine) PID() int                          { return os.Getpid() }
func (g *goroutine) Output() (stdout, stderr *os.File) { return nil, nil }
func (g *goroutine) Wait() process.Status              { <-g.exited; return process.Status{} }

// Terminate abandons the goroutine: its context has told it to stop, and there is nothing stronger.
func (g *goroutine) Terminate() error { return g.Kill() }

// Kill abandons the goroutine: as far as the pool is concerned it is gone.
func (g *goroutine) Kill() error {
	g.end()
	return nil
}
