//go:build unix

// Package ask finds out which tasks a worker program has.
package ask

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/procpool/procpool/internal/process"
	"github.com/procpool/procpool/internal/transport"
	"github.com/procpool/procpool/internal/wire"
)

const (
	patience  = 60 * time.Second // how long a program may take to say hello
	lastWords = time.Second      // and its output may stay open after its end
)

// Tasks starts a program as a pool would, takes its hello, and ends it.
func Tasks(path string, args []string) ([]string, error) {
	calls, in, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer in.Close()
	out, results, err := os.Pipe()
	if err != nil {
		calls.Close()
		return nil, err
	}
	defer out.Close()
	board, file, err := transport.NewBoard(0)
	if err != nil {
		return nil, err
	}
	defer board.Close()
	p, err := process.Start(process.Spec{
		Path: path, Args: args, Env: append(os.Environ(), "PROCPOOL_WORKER=1"), Files: []*os.File{calls, results, file},
	})
	for _, f := range []*os.File{calls, results, file} {
		f.Close()
	}
	if err != nil {
		return nil, err
	}
	return greet(p, in, out)
}

// greet sends setup and waits for hello.
func greet(p *process.Process, in, out *os.File) ([]string, error) {
	var output sync.WaitGroup // ends with the process
	var stderr bytes.Buffer
	output.Go(func() { io.Copy(io.Discard, p.Stdout) })
	output.Go(func() { io.Copy(&stderr, p.Stderr) })
	setup := wire.MessageSetup{Version: wire.Version, Name: "CommandPoolWorker-0"}
	in.Write(wire.AppendFrame(nil, wire.Header{Type: wire.Setup}, wire.Marshal(setup)))
	out.SetReadDeadline(time.Now().Add(patience))
	tasks, err := hello(out)
	p.Kill()
	p.Wait()
	p.Stdout.SetReadDeadline(time.Now().Add(lastWords)) // a descendant that got away may hold them
	p.Stderr.SetReadDeadline(time.Now().Add(lastWords))
	output.Wait()
	p.Stdout.Close()
	p.Stderr.Close()
	if err != nil && stderr.Len() > 0 {
		err = fmt.Errorf("%w\n%s", err, strings.TrimSpace(stderr.String()))
	}
	return tasks, err
}

// hello reads until the worker's first frame.
func hello(out io.Reader) ([]string, error) {
	var scan wire.Scanner
	buf := make([]byte, 64<<10)
	for {
		if h, body, _, ok := scan.Next(); ok {
			var m wire.MessageHello
			if h.Type != wire.Hello {
				return nil, fmt.Errorf("it does not speak the protocol: its first frame is of type %d", h.Type)
			}
			err := wire.Unmarshal(h.Type, body, &m)
			return m.Tasks, err
		}
		n, err := out.Read(buf)
		if n == 0 && err != nil {
			return nil, fmt.Errorf("it ended, or fell silent, before it said hello (%w)", err)
		}
		if scan.Feed(buf[:n]); scan.Err() != nil {
			return nil, fmt.Errorf("it does not speak the protocol: %w", scan.Err())
		}
	}
}
