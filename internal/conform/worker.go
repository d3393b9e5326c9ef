package conform

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"github.com/procpool/procpool/internal/process"
	"github.com/procpool/procpool/internal/transport"
	"github.com/procpool/procpool/internal/wire"
)

type program struct {
	path string
	args []string
	env  []string
	dir  string
}

// setup is what the worker is told first.
type setup struct {
	initializer string
	arg         any
}

// worker is one running process of the program, and our ends of its descriptors.
type worker struct {
	*process.Process
	exited chan struct{} // closed when it is reaped
	in     *os.File      // what we write arrives on its descriptor 3
	out    *os.File      // what it writes to its descriptor 4
	board  *transport.Board

	frames chan frame // closed at the end of out
	torn   error      // why, set before frames is closed; nil: end of file between frames

	output sync.WaitGroup // the two goroutines that collect what it prints
	stdout bytes.Buffer   // to be read after output.Wait
	stderr bytes.Buffer
}

type frame struct {
	wire.Header
	body []byte
}

func (p program) start(s setup) (*worker, error) {
	inR, inW, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer inR.Close()
	outR, outW, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer outW.Close()
	board, boardFile, err := transport.NewBoard(0)
	if err != nil {
		return nil, err
	}
	defer boardFile.Close()
	w := &worker{in: inW, out: outR, board: board, frames: make(chan frame, 1024), exited: make(chan struct{})}
	w.Process, err = process.Start(process.Spec{
		Path: p.path, Args: p.args, Dir: p.dir,
		Env:   append(append(os.Environ(), p.env...), "PROCPOOL_WORKER=pipe"),
		Files: []*os.File{inR, outW, boardFile},
	})
	if err != nil {
		return nil, err
	}
	// Four goroutines per worker. read ends when the worker and what it started have closed descriptor 4, or when end
	// closes our side; the first ends with the worker, the others with its output. end waits for all.
	go func() {
		w.Wait()
		close(w.exited)
	}()
	go w.read()
	w.output.Go(func() { io.Copy(&w.stdout, w.Stdout) })
	w.output.Go(func() { io.Copy(&w.stderr, w.Stderr) })
	body := wire.MessageSetup{Version: wire.Version, Name: "ConformWorker-1", Initializer: s.initializer}
	if s.arg != nil {
		body.Arg = wire.Marshal(s.arg)
	}
	w.send(wire.AppendFrame(nil, wire.Header{Type: wire.Setup}, wire.Marshal(body)))
	return w, nil
}

func (w *worker) read() {
	defer close(w.frames)
	var scan wire.Scanner
	buf := make([]byte, 1<<16)
	for {
		n, err := w.out.Read(buf)
		scan.Feed(buf[:n])
		for h, body, _, ok := scan.Next(); ok; h, body, _, ok = scan.Next() {
			w.frames <- frame{h, bytes.Clone(body)}
		}
		if scan.Err() != nil {
			w.torn = scan.Err()
			return
		}
		if err != nil {
			if scan.Torn() > 0 {
				w.torn = fmt.Errorf("descriptor 4 ends in the middle of a frame")
			}
			return
		}
	}
}

// send ignores what goes wrong: a worker that no longer reads is seen by what it does not answer.
func (w *worker) send(p []byte) { w.in.Write(p) }

// end kills what is left and waits for it.
func (w *worker) end() {
	w.Kill()
	w.Wait()
	w.output.Wait()
	w.in.Close()
	w.out.Close()
	for range w.frames {
	}
	w.Stdout.Close()
	w.Stderr.Close()
	w.board.Close()
}

// lastWords tells how the worker ended by itself, and what it wrote about it.
func (w *worker) lastWords() (words string) {
	w.Kill()
	st := w.Wait()
	w.output.Wait()
	if st.Signal != 0 && st.Signal.String() != "killed" {
		words = "\nit was ended by the signal " + st.Signal.String()
	} else if st.Signal == 0 {
		words = fmt.Sprintf("\nit exited with code %d", st.ExitCode)
	}
	if text := strings.TrimSpace(w.stderr.String()); text != "" {
		words += "\nits stderr: " + text
	}
	return words
}
