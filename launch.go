package procpool

import (
	"os"

	"github.com/procpool/procpool/internal/process"
	"github.com/procpool/procpool/internal/supervisor"
	"github.com/procpool/procpool/internal/transport"
)

// Transports, as the marker tells them to a worker.
const (
	overPipes = "pipe"
	overRings = "ring"
)

// launchSpawn starts this program over the fastest transport that the system has.
func launchSpawn(c *Config) supervisor.Launch {
	exe, err := selfPath()
	spec := c.spec(exe, nil, spawnTransport)
	spec.Name = os.Args[0]
	return func(_ string, prime func(transport.Conn, *transport.Board)) (supervisor.Process, error) {
		if err != nil {
			return nil, err
		}
		return launch(spec, spawnTransport, prime)
	}
}

// launchCommand starts a program that speaks the protocol. It may be one that waits for its lifeline.
func launchCommand(c *Config, path string, args []string, waits bool) supervisor.Launch {
	spec := c.spec(path, args, overPipes)
	spec.Held = !waits
	return func(_ string, prime func(transport.Conn, *transport.Board)) (supervisor.Process, error) {
		return launch(spec, overPipes, prime)
	}
}

// spec says how a worker process is to be started. Its files are made for each.
func (c *Config) spec(path string, args []string, over string) process.Spec {
	return process.Spec{
		Path: path, Args: args, Env: c.environ(over), Dir: c.Dir, Attr: c.SysProcAttr, Limit: c.Recycle.HardMemory,
	}
}

// launch makes a channel and starts a process at its other end: descriptors 3 and 4 are the pipes, 5 is the board.
func launch(spec process.Spec, over string, prime func(transport.Conn, *transport.Board)) (supervisor.Process, error) {
	conn, board, files, err := channel(over)
	if err != nil {
		return nil, err
	}
	prime(conn, board)
	spec.Files = files
	p, err := process.Start(spec)
	for _, f := range files {
		f.Close()
	}
	if err != nil {
		return nil, err
	}
	return running{p}, nil
}

func channel(over string) (conn transport.Conn, board *transport.Board, files []*os.File, err error) {
	size := 0
	if over == overRings {
		size = transport.RingSize
	}
	board, file, err := transport.NewBoard(size)
	if err != nil {
		return nil, nil, nil, err
	}
	if over == overRings {
		conn, files, err = transport.NewRing(board)
	} else {
		conn, files, err = transport.NewPipe()
	}
	if err != nil {
		file.Close()
		board.Close()
		return nil, nil, nil, err
	}
	return conn, board, append(files, file), nil
}

// running is a process as the supervisor sees it.
type running struct{ p *process.Process }

func (r running) PID() int                          { return r.p.PID }
func (r running) Output() (stdout, stderr *os.File) { return r.p.Stdout, r.p.Stderr }
func (r running) Wait() process.Status              { return r.p.Wait() }
func (r running) Terminate() error                  { return r.p.Terminate() }
func (r running) Kill() error                       { return r.p.Kill() }
