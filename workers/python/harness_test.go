//go:build unix

package python

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"

	"github.com/procpool/procpool/internal/transport"
	"github.com/procpool/procpool/internal/wire"
)

// patient bounds what takes no time if it works: these tests share their machine.
const patient = time.Minute

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
	return launchFor(t, o, 0)
}

// launchFor is launch for a worker that may run so many calls; 0: no limit.
func launchFor(t testing.TB, o Options, limit int) *worker {
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
	w.send(wire.AppendFrame(nil, wire.Header{Type: wire.Setup}, wire.Marshal(wire.MessageSetup{Version: 1, Name: "PythonPoolWorker-1", Limit: limit})))
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

// fifo is a named pipe between tasks and the test, which has both of its ends: nobody waits for the other one to open it.
type fifo struct {
	t    testing.TB
	path string
	file *os.File
}

func newFifo(t testing.TB) *fifo {
	t.Helper()
	path := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return &fifo{t, path, f}
}

// wait is the code of a task that waits for release.
func (f *fifo) wait() string { return fmt.Sprintf("open(%q).readline()", f.path) }

func (f *fifo) release() { f.file.WriteString("\n") }

// say is the code of a task that says a word.
func (f *fifo) say(word string) string { return fmt.Sprintf("open(%q, 'w').write(%q)", f.path, word) }

// hear waits for that word.
func (f *fifo) hear(word string) {
	f.t.Helper()
	f.file.SetReadDeadline(time.Now().Add(patient))
	said := make([]byte, len(word))
	if n, err := io.ReadFull(f.file, said); string(said[:n]) != word {
		f.t.Fatalf("it said %q, want %q: %v", said[:n], word, err)
	}
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
	w.out.SetReadDeadline(time.Now().Add(patient))
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

// wait returns how the worker ended. One that does not end is killed.
func (w *worker) wait() *os.ProcessState {
	defer time.AfterFunc(patient, func() { w.cmd.Process.Kill() }).Stop()
	w.cmd.Wait()
	return w.cmd.ProcessState
}
