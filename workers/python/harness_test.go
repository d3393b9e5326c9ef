//go:build unix

package python

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/fxamacker/cbor/v2"

	"github.com/procpool/procpool/internal/transport"
	"github.com/procpool/procpool/internal/wire"
)

// worker is a Python worker and our ends of its descriptors, without a pool.
type worker struct {
	t              testing.TB
	cmd            *exec.Cmd
	in, out        *os.File
	board          *transport.Board
	stdout, stderr bytes.Buffer // to be read after exit
	hello          wire.MessageHello
	scan           wire.Scanner
	buf            []byte
	seq            uint64
}

// script writes a program and returns the options that run it.
func script(t testing.TB, text string) Options {
	t.Helper()
	file := filepath.Join(t.TempDir(), "program.py")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return Options{Script: file}
}

// launch runs a worker until it is ready.
func launch(t testing.TB, o Options) *worker {
	t.Helper()
	if o.Python == "" {
		o.Python = interpreters(t)[0]
	}
	path, args, err := command(o)
	if err != nil {
		t.Fatal(err)
	}
	w := &worker{t: t, cmd: exec.Command(path, args...), buf: make([]byte, 1<<20)}
	inR, inW := pipe(t)
	outR, outW := pipe(t)
	board, boardFile, err := transport.NewBoard(0)
	if err != nil {
		t.Skip(err)
	}
	w.in, w.out, w.board = inW, outR, board
	w.cmd.Env = append(os.Environ(), "PROCPOOL_WORKER=1")
	w.cmd.ExtraFiles = []*os.File{inR, outW, boardFile, inR}
	w.cmd.Stdout, w.cmd.Stderr = &w.stdout, &w.stderr
	w.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := w.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		w.cmd.Process.Kill()
		w.cmd.Wait()
		w.board.Close()
	})
	inR.Close()
	outW.Close()
	boardFile.Close()
	w.send(wire.AppendFrame(nil, wire.Header{Type: wire.Setup}, wire.Marshal(wire.MessageSetup{Version: 1, Name: "PythonPoolWorker-1"})))
	h, body := w.next()
	if h.Type != wire.Hello {
		w.fatalf("first frame is of type %d", h.Type)
	}
	wire.Unmarshal(h.Type, body, &w.hello)
	if h, _ := w.next(); h.Type != wire.Ready {
		w.fatalf("second frame is of type %d", h.Type)
	}
	return w
}

func pipe(t testing.TB) (r, w *os.File) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close(); w.Close() })
	return r, w
}

func (w *worker) fatalf(format string, args ...any) {
	w.t.Helper()
	w.cmd.Process.Kill()
	w.cmd.Wait()
	w.t.Logf("stderr: %s", w.stderr.String())
	w.t.Fatalf(format, args...)
}

func (w *worker) send(p []byte) {
	if _, err := w.in.Write(p); err != nil {
		w.fatalf("write: %v", err)
	}
}

func (w *worker) next() (wire.Header, []byte) {
	w.t.Helper()
	for {
		if h, body, _, ok := w.scan.Next(); ok {
			return h, body
		}
		n, err := w.out.Read(w.buf)
		if err != nil {
			w.fatalf("read: %v", err)
		}
		w.scan.Feed(w.buf[:n])
	}
}

// frame is the next call of the worker's task number.
func (w *worker) frame(task uint16, arg any, c wire.CallInfo) []byte {
	payload, err := cbor.Marshal(arg)
	if err != nil {
		w.fatalf("%v", err)
	}
	w.seq++
	return append(wire.AppendCall(nil, w.seq, task, &c, len(payload)), payload...)
}

// ask calls the worker's task number and decodes its result.
func ask[Out any](w *worker, task uint16, arg any) (out Out) {
	w.t.Helper()
	w.send(w.frame(task, arg, wire.CallInfo{}))
	h, body := w.next()
	if h.Type != wire.Result {
		w.fatalf("frame of type %d: %s", h.Type, body)
	}
	if err := cbor.Unmarshal(body, &out); err != nil {
		w.fatalf("%v", err)
	}
	return out
}

// wait returns how the worker ended.
func (w *worker) wait() *os.ProcessState {
	w.cmd.Wait()
	return w.cmd.ProcessState
}
