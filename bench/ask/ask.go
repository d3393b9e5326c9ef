// Package ask lets one process measure in others. A subject is a process that does works on request: it reads a line that
// names a work and its numbers, does it, and answers with a line of numbers. What is compared runs in a subject of its
// own, so that contenders share nothing but the machine, and can be of any language.
package ask

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
)

// Subject is a process that does works.
type Subject struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Scanner
	broken error // what Ask returns since the process stopped answering
}

// Start starts a subject that may use the given processors only; nil: all.
func Start(cpus []int, env []string, program string, args ...string) (*Subject, error) {
	cmd := exec.Command(program, args...)
	cmd.Stderr = os.Stderr
	cmd.Env = append(os.Environ(), env...)
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := startOn(cpus, cmd); err != nil {
		return nil, err
	}
	return &Subject{cmd: cmd, in: in, out: bufio.NewScanner(out)}, nil
}

// startOn starts a command whose processes stay on the given processors. They inherit that from the thread that forks.
func startOn(cpus []int, cmd *exec.Cmd) error {
	if cpus == nil {
		return cmd.Start()
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	release, err := pin(cpus)
	if err != nil {
		return err
	}
	defer release()
	return cmd.Start()
}

// PID returns the subject's process.
func (s *Subject) PID() int { return s.cmd.Process.Pid }

// Ask makes the subject do a work, and returns its answer.
func (s *Subject) Ask(work string, numbers ...int) ([]float64, error) {
	if s.broken != nil {
		return nil, s.broken
	}
	line := strings.TrimSpace(work + " " + strings.Trim(fmt.Sprint(numbers), "[]"))
	if _, err := fmt.Fprintln(s.in, line); err != nil {
		s.broken = err
		return nil, err
	}
	if !s.out.Scan() {
		s.broken = errors.New("the process ended without an answer")
		return nil, s.broken
	}
	return parse(s.out.Text())
}

func parse(line string) ([]float64, error) {
	if text, failed := strings.CutPrefix(line, failure); failed {
		return nil, errors.New(text)
	}
	var numbers []float64
	for field := range strings.FieldsSeq(line) {
		n, err := strconv.ParseFloat(field, 64)
		if err != nil {
			return nil, fmt.Errorf("answer %q: %w", line, err)
		}
		numbers = append(numbers, n)
	}
	return numbers, nil
}

// Close ends the subject and waits for it.
func (s *Subject) Close() error {
	s.in.Close()
	for s.out.Scan() { // what it still says must not block it
	}
	return s.cmd.Wait()
}
