//go:build unix

package main

import (
	"bufio"
	"bytes"
	"fmt"
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

// One SIGINT or SIGTERM: what runs is finished and printed, what waits is left for --resume, whose command is told.
func TestInterruptedOnce(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run(sig.String(), func(t *testing.T) {
			log := filepath.Join(t.TempDir(), "log")
			cmd, out, stderr := begun(t, "0\n1\n1.1\n100\n100\n", "--log", log, "sleep")
			began := time.Now()
			cmd.Process.Signal(sig)
			var rest strings.Builder
			out.WriteTo(&rest)
			code := exitCode(cmd)
			// On a busy machine, an item may not have begun when the signal comes; then it is left, too.
			done := 1 + strings.Count(rest.String(), "\n")
			if !strings.HasPrefix("1\n1.1\n", rest.String()) || code != 130 || time.Since(began) > 20*time.Second {
				t.Errorf("printed %q, exit code %d, after %v", &rest, code, time.Since(began))
			}
			for _, want := range []string{"stopping when the running items are done", fmt.Sprintf("interrupted, %d items are done", done), "map --resume -p 2 --log " + log + " sleep"} {
				if !strings.Contains(stderr.String(), want) {
					t.Errorf("stderr is %q, want %q in it", stderr, want)
				}
			}
			if got := logged(t, log); got != done {
				t.Errorf("%d items are logged, want %d", got, done)
			}
		})
	}
}

// Twice: it stops at once.
func TestInterruptedTwice(t *testing.T) {
	cmd, out, stderr := begun(t, "0\n100\n100\n", "sleep")
	said := stderr.wait("stopping")
	cmd.Process.Signal(syscall.SIGINT)
	select { // two signals at a time may be taken for one
	case <-said:
	case <-time.After(patient):
		t.Fatalf("it did not say that it is stopping: %s", stderr)
	}
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
