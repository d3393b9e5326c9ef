// Package leak tells what a test left behind: goroutines, temporary files and, on Linux, descriptors, shared memory,
// threads and processes. It imports nothing of procpool, so that every room's tests can use it; users find it as package
// pooltest.
package leak

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// patience is how long stragglers may take to end. Nothing tells when a goroutine of somebody else's has ended or a
// descriptor was closed, so the check looks again, at growing intervals, until nothing is left or patience is over. Only
// the intervals count: on a machine that is too busy to run this process, time passes for its stragglers, too.
const patience = 5 * time.Second

// manyThreads is how many more threads than before are a leak. The runtime keeps the threads it once made, and makes some for
// each processor, so a few more mean nothing; many mean that something waited on a thread of its own, one for each worker.
func manyThreads() int { return 64 + 4*runtime.GOMAXPROCS(0) }

// Check makes t fail if, once it and its subtests are done, something is left that was not there when Check was called.
// It belongs at the start of the test: cleanups registered later run before it looks.
//
// For the length of the test, TMPDIR is an empty directory: a file left there is a leak, and a process that still has it
// in its environment is a descendant, however many parents it has lost. Because of that, and because the leaks of two
// tests can't be told apart, Check panics in a parallel test. It must be called outside of a synctest bubble.
func Check(t testing.TB) {
	t.Helper()
	check(t, patience)
}

func check(t testing.TB, patience time.Duration) {
	t.Helper()
	w, err := newWatch()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", w.dir)
	t.Cleanup(func() {
		t.Helper()
		for _, l := range w.finish(patience) {
			t.Error(l)
		}
	})
}

// Verify runs the tests of m and then checks like [Check], over all of them. It returns the exit code:
//
//	os.Exit(leak.Verify(m))
func Verify(m *testing.M) int { return verify(m.Run, os.Stderr, patience) }

// Begin is [Check] for a program that is no test. What it returns tells what is left since.
func Begin() (finish func() []string, err error) {
	w, err := newWatch()
	if err != nil {
		return nil, err
	}
	restore := setenv("TMPDIR", w.dir)
	return func() []string { defer restore(); return w.finish(patience) }, nil
}

func verify(run func() int, out io.Writer, patience time.Duration) int {
	w, err := newWatch()
	if err != nil {
		fmt.Fprintln(out, err)
		return 1
	}
	restore := setenv("TMPDIR", w.dir)
	code := run()
	restore()
	for _, l := range w.finish(patience) {
		fmt.Fprintln(out, l)
		code = max(code, 1)
	}
	return code
}

func setenv(key, value string) (restore func()) {
	old, had := os.LookupEnv(key)
	os.Setenv(key, value)
	return func() {
		if had {
			os.Setenv(key, old)
		} else {
			os.Unsetenv(key)
		}
	}
}

// watch remembers what there was.
type watch struct {
	dir     string // TMPDIR meanwhile
	before  things
	threads int
}

// things are what can leak: a name that tells one from another, and what to print about it.
type things map[string]string

func newWatch() (*watch, error) {
	dir, err := os.MkdirTemp("", "leak")
	if err != nil {
		return nil, fmt.Errorf("leak check: %w", err)
	}
	w := &watch{dir: dir}
	w.before, w.threads = w.look(), threads()
	return w, nil
}

// look lists what there is now.
func (w *watch) look() things {
	now := things{}
	goroutines(now)
	files(now, w.dir)
	system(now, w.dir)
	return now
}

// finish waits until nothing is left that was not there before, for as long as patience allows, and returns what is.
func (w *watch) finish(patience time.Duration) []string {
	defer os.RemoveAll(w.dir)
	for pause := time.Millisecond; ; pause = min(2*pause, 100*time.Millisecond) {
		left := w.left()
		if len(left) == 0 || patience <= 0 {
			return left
		}
		time.Sleep(pause)
		patience -= pause
	}
}

func (w *watch) left() []string {
	var left []string
	for key, text := range w.look() {
		if _, old := w.before[key]; !old {
			left = append(left, "leaked "+text)
		}
	}
	if grown := threads() - w.threads; grown > manyThreads() {
		left = append(left, fmt.Sprintf("leaked %d threads", grown))
	}
	return left
}

// files adds what lies in dir.
func files(now things, dir string) {
	filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && path != dir {
			now["file "+path] = "file " + strings.TrimPrefix(path, dir+string(filepath.Separator)) + " in TMPDIR"
		}
		return nil
	})
}
