//go:build unix

package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// begun starts a run of two workers and waits for its first line of output.
func begun(t *testing.T, input string, args ...string) (cmd *exec.Cmd, out *bufio.Reader, stderr *told) {
	t.Helper()
	cmd = command(t, append([]string{"map", "-p", "2"}, args...)...)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	stderr = &told{}
	cmd.Stderr = stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stdin.Close()
		cmd.Process.Kill()
		cmd.Wait()
	})
	stdin.Write([]byte(input)) // and stays open: the input has no end
	out = bufio.NewReader(pipe)
	if line, err := out.ReadString('\n'); err != nil || line != "0\n" {
		t.Fatalf("the first line is %q, %v; stderr: %s", line, err, stderr)
	}
	return cmd, out, stderr
}

func exitCode(cmd *exec.Cmd) int {
	cmd.Wait()
	return cmd.ProcessState.ExitCode()
}

// stage is where items say that they have begun, and wait until they are let go; the first one, 0, does not.
type stage struct {
	t          *testing.T
	here, held *os.File // named pipes; this process has both ends, so nobody waits for the other one to open them
}

func newStage(t *testing.T) *stage {
	t.Helper()
	s := &stage{t: t}
	for name, f := range map[string]**os.File{"here": &s.here, "held": &s.held} {
		path := filepath.Join(t.TempDir(), name)
		if err := syscall.Mkfifo(path, 0o600); err != nil {
			t.Fatal(err)
		}
		var err error
		if *f, err = os.OpenFile(path, os.O_RDWR, 0); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { (*f).Close() })
	}
	return s
}

// args make procpool run its items there.
func (s *stage) args() []string {
	wait := fmt.Sprintf("echo > %s; read x < %s", s.here.Name(), s.held.Name())
	return []string{"--shell", "--exec", "case {} in 0) ;; *) " + wait + ";; esac; echo {}"}
}

// await waits until two have begun.
func (s *stage) await() {
	s.t.Helper()
	s.here.SetReadDeadline(time.Now().Add(patient))
	if _, err := io.ReadFull(s.here, make([]byte, 2)); err != nil {
		s.t.Fatal("no two items have begun: ", err)
	}
}

// release lets two go.
func (s *stage) release() { s.held.WriteString("\n\n") }

// interrupt sends a signal, and waits until the run has said that it is stopping.
func interrupt(t *testing.T, cmd *exec.Cmd, stderr *told, sig os.Signal) {
	t.Helper()
	said := stderr.wait("stopping when the running items are done")
	cmd.Process.Signal(sig)
	select {
	case <-said:
	case <-time.After(patient):
		t.Fatalf("it did not say that it is stopping: %s", stderr)
	}
}

// One SIGINT or SIGTERM: what runs is finished and printed, what waits is left for --resume, whose command is told.
func TestInterruptedOnce(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run(sig.String(), func(t *testing.T) {
			log, s := filepath.Join(t.TempDir(), "log"), newStage(t)
			cmd, out, stderr := begun(t, "0\na\nb\nc\nd\n", append([]string{"--log", log}, s.args()...)...)
			s.await()
			interrupt(t, cmd, stderr, sig)
			s.release()
			var rest strings.Builder
			out.WriteTo(&rest)
			if code := exitCode(cmd); rest.String() != "a\nb\n" || code != 130 {
				t.Errorf("printed %q, exit code %d", &rest, code)
			}
			for _, want := range []string{"interrupted, 3 items are done", "map --resume -p 2 --log " + log + " --shell --exec "} {
				if !strings.Contains(stderr.String(), want) {
					t.Errorf("stderr is %q, want %q in it", stderr, want)
				}
			}
			if got := logged(t, log); got != 3 {
				t.Errorf("%d items are logged, want 3", got)
			}
		})
	}
}

// Twice: it stops at once.
func TestInterruptedTwice(t *testing.T) {
	s := newStage(t)
	cmd, out, stderr := begun(t, "0\na\nb\n", s.args()...)
	s.await()
	interrupt(t, cmd, stderr, syscall.SIGINT) // two signals at a time may be taken for one
	cmd.Process.Signal(syscall.SIGINT)
	var rest strings.Builder
	out.WriteTo(&rest)
	if code := exitCode(cmd); rest.String() != "" || code != 130 {
		t.Errorf("printed %q, exit code %d", &rest, code)
	}
}

// Results come while the input goes on, as with tail -f; and when the reader leaves, as head does, nothing is said.
func TestEndlessInput(t *testing.T) {
	cmd := command(t, "map", "echo")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	out := bufio.NewReader(pipe)
	for _, line := range []string{"one\n", "two\n", "three\n"} {
		stdin.Write([]byte(line))
		if got, err := out.ReadString('\n'); got != line {
			t.Fatalf("got %q, %v; want %q", got, err, line)
		}
	}
	pipe.Close()
	stdin.Write([]byte("four\n"))
	cmd.Wait()
	status := cmd.ProcessState.Sys().(syscall.WaitStatus)
	if !status.Signaled() || status.Signal() != syscall.SIGPIPE || stderr.Len() > 0 {
		t.Errorf("it ended with %v and said %q; want SIGPIPE and nothing", cmd.ProcessState, &stderr)
	}
}

// told is what was written, for those who wait for something.
type told struct {
	mu   sync.Mutex
	text strings.Builder
	want string
	said chan struct{}
}

func (w *told) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.text.Write(p)
	if w.said != nil && strings.Contains(w.text.String(), w.want) {
		close(w.said)
		w.said = nil
	}
	return len(p), nil
}

// wait returns a channel that is closed when the text is written. Call it before it can be.
func (w *told) wait(text string) <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.want, w.said = text, make(chan struct{})
	return w.said
}

func (w *told) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}
