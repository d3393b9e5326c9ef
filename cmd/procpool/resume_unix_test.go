//go:build unix

package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// patient bounds what takes no time if it works: these tests share their machine.
const patient = 2 * time.Minute

// The test program is the command, when it is asked to be: see TestMain. It is killed if it does not end.
func command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "procpool")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(self, path); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patient)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env = append(os.Environ(), asCommand+"=1")
	cmd.Dir = dir
	return cmd
}

// moments is how often a run is killed in a test.
func moments() int {
	if testing.Short() {
		return 10
	}
	return 50
}

// length of the input of a test.
func inputLines() int {
	if testing.Short() {
		return 5_000
	}
	return 20_000
}

// A run that is killed at random moments and resumed loses no line and tears none, and each run begins with the first
// item that is not logged. A line may stand twice: when the kill came between printing and logging.
func TestKilledAndResumed(t *testing.T) {
	for name, start := range map[string]func(*testing.T, *exec.Cmd, *os.File) (wait func()){"file": intoFile, "pipe": intoPipe} {
		t.Run(name, func(t *testing.T) {
			items := numbers(inputLines())
			in := filepath.Join(t.TempDir(), "in")
			put(t, in, strings.Join(items, ""))
			for left := moments() / 2; left > 0; {
				left -= killedRuns(t, start, in, items, left)
			}
		})
	}
}

// A second run on a log that is in use is turned away with a line, and touches nothing: not what the first one kept, either.
func TestOneRunPerLog(t *testing.T) {
	dir := t.TempDir()
	log, failed := filepath.Join(dir, "log"), filepath.Join(dir, "failed")
	args := []string{"--log", log, "--keep-failed", failed, "sleep"}
	first, out, stderr := begun(t, "0\nnever\n0.01\n", args...)
	if line, err := out.ReadString('\n'); err != nil || line != "0.01\n" {
		t.Fatalf("%q, %v; stderr: %s", line, err, stderr)
	}
	for _, more := range [][]string{nil, {"--resume"}} {
		second := command(t, append(append([]string{"map"}, more...), args...)...)
		told, err := second.CombinedOutput()
		want := "procpool: log " + log + ": another run is writing it: wait for its end, or name another log\n"
		if code := second.ProcessState.ExitCode(); code != 2 || string(told) != want {
			t.Errorf("exit code %d (%v), and it said %q", code, err, told)
		}
	}
	first.Process.Signal(os.Interrupt)
	if code := exitCode(first); code != 130 {
		t.Errorf("the first run ended with exit code %d: %s", code, stderr)
	}
	if kept, err := os.ReadFile(failed); string(kept) != "never\n" {
		t.Errorf("%q was kept, %v", kept, err)
	}
}

// killedRuns does one job in runs that are killed, at most so many, and one that is not. It returns how many were killed.
func killedRuns(t *testing.T, start func(*testing.T, *exec.Cmd, *os.File) func(), in string, items []string, most int) (killed int) {
	dir := t.TempDir()
	log, out := filepath.Join(dir, "log"), filepath.Join(dir, "out")
	f, err := os.OpenFile(out, os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for n := 0; n < len(items); n = logged(t, log) {
		size := whole(t, f) // a file is not a pipe: a line can be torn there, and the next run cuts off what stands of it
		cmd := command(t, "map", "--log", log, "--resume", "echo", in)
		wait := start(t, cmd, f)
		if killed < most {
			kill := time.AfterFunc(time.Duration(rand.Int64N(int64(100*time.Millisecond))), func() { cmd.Process.Kill() })
			defer kill.Stop()
			killed++
		}
		wait()
		resumedAt(t, f, size, n, items)
	}
	complete(t, out, items)
	return killed
}

func intoFile(t *testing.T, cmd *exec.Cmd, f *os.File) (wait func()) {
	cmd.Stdout = f
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return func() { cmd.Wait() }
}

func intoPipe(t *testing.T, cmd *exec.Cmd, f *os.File) (wait func()) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout = w
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	return func() {
		io.Copy(f, r)
		r.Close()
		cmd.Wait()
	}
}

func numbers(n int) (lines []string) {
	for i := range n {
		lines = append(lines, fmt.Sprintf("line number %d of the input%s\n", i, strings.Repeat(".", i%100)))
	}
	return lines
}

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// logged returns how many items a log holds.
func logged(t *testing.T, path string) int {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return max(bytes.Count(text, []byte("\n"))-1, 0)
}

func length(t *testing.T, f *os.File) int64 {
	t.Helper()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// whole returns where the last whole line ends.
func whole(t *testing.T, f *os.File) int64 {
	t.Helper()
	text, err := io.ReadAll(io.NewSectionReader(f, 0, length(t, f)))
	if err != nil {
		t.Fatal(err)
	}
	return int64(bytes.LastIndexByte(text, '\n') + 1)
}

// resumedAt checks that what was printed after size begins with the given item.
func resumedAt(t *testing.T, f *os.File, size int64, first int, items []string) {
	t.Helper()
	text, err := io.ReadAll(io.NewSectionReader(f, size, length(t, f)-size))
	if err != nil {
		t.Fatal(err)
	}
	if line, _, whole := strings.Cut(string(text), "\n"); whole && line+"\n" != items[first] {
		t.Errorf("the run began with %q, want %q", line, items[first])
	}
}

// complete checks that every item stands there, whole, and that the order is only broken by going back.
func complete(t *testing.T, path string, items []string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	index := map[string]int{}
	for i, line := range items {
		index[line] = i
	}
	next, twice := 0, 0
	for line := range strings.Lines(string(text)) {
		i, known := index[line]
		switch {
		case !known:
			t.Fatalf("a torn line: %q", line)
		case i > next:
			t.Fatalf("items %d to %d are lost", next, i-1)
		case i == next:
			next++
		default:
			twice++
		}
	}
	if next != len(items) {
		t.Errorf("%d items of %d", next, len(items))
	}
	t.Logf("%d lines stand twice", twice)
}
