package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/procpool/procpool/pooltest"
)

// tree makes a directory with the given files.
func tree(t *testing.T, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range names {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(strings.Repeat(name, 1000)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// result is what one run of the program did. Lines are sorted: they come as files are done.
type result struct {
	lines  []string
	stderr string
	code   int
}

func build(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "checksum")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return program
}

func finish(t *testing.T, cmd *exec.Cmd) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited {
		t.Fatal(err)
	}
	return result{slices.Sorted(strings.Lines(stdout.String())), stderr.String(), cmd.ProcessState.ExitCode()}
}

// The program and sha256sum print the same lines, whatever the files are called.
func TestSameAsSha256sum(t *testing.T) {
	pooltest.Check(t)
	names := []string{"empty/a", "b", "sub/dir/c", "with space", "back\\slash", "new\nline", "carriage\rreturn", "\xff not UTF-8", "-dash"}
	dir := tree(t, names...)
	for _, link := range []string{"link to a file", "link to nothing"} {
		if err := os.Symlink(filepath.Join(dir, "b"), filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	got := finish(t, exec.Command(build(t), dir))
	if got.code != 0 || got.stderr != "" || len(got.lines) != len(names) {
		t.Errorf("got %+v, want %d lines, no errors and exit code 0", got, len(names))
	}
	if _, err := exec.LookPath("sha256sum"); err != nil {
		t.Skip(err)
	}
	args := []string{"--"}
	for _, name := range names {
		args = append(args, filepath.Join(dir, name))
	}
	if want := finish(t, exec.Command("sha256sum", args...)); !slices.Equal(got.lines, want.lines) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got.lines, ""), strings.Join(want.lines, ""))
	}
}

// What can't be read is named on stderr, all else is printed, and the exit code tells.
func TestUnreadable(t *testing.T) {
	pooltest.Check(t)
	dir := tree(t, "good", "bad", "\xff bad too", "closed/inside", "open/inside")
	program := build(t)
	lock(t, dir, "bad", "\xff bad too", "closed")
	got := humbly(t, exec.Command(program, dir))
	if got.code != 1 || len(got.lines) != 2 {
		t.Errorf("got exit code %d and %q, want 1 and two lines", got.code, got.lines)
	}
	for _, name := range []string{"bad", "\xff bad too", "closed"} {
		if want := "checksum: open " + filepath.Join(dir, name) + ": permission denied\n"; !strings.Contains(got.stderr, want) {
			t.Errorf("stderr is %q, want %q in it", got.stderr, want)
		}
	}
}

func lock(t *testing.T, dir string, names ...string) {
	t.Helper()
	for _, name := range names {
		path := filepath.Join(dir, name)
		if err := os.Chmod(path, 0); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.Chmod(path, 0o700) }) // who is not root could not remove it else
	}
}

func TestExitCodes(t *testing.T) {
	pooltest.Check(t)
	dir := tree(t, "file")
	link := filepath.Join(dir, "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	program := build(t)
	for _, c := range []struct {
		name  string
		args  []string
		code  int
		lines int
		says  string
	}{
		{"a directory", []string{dir}, 0, 1, ""},
		{"a link to one", []string{link}, 0, 1, ""},
		{"an empty one", []string{t.TempDir()}, 0, 0, ""},
		{"a file", []string{filepath.Join(dir, "file")}, 1, 0, "not a directory"},
		{"nothing there", []string{filepath.Join(dir, "nothing")}, 1, 0, "no such file"},
		{"no argument", nil, 2, 0, "usage: checksum DIR"},
		{"an empty argument", []string{""}, 2, 0, "usage: checksum DIR"},
		{"two arguments", []string{dir, dir}, 2, 0, "usage: checksum DIR"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := finish(t, exec.Command(program, c.args...))
			if got.code != c.code || len(got.lines) != c.lines || !strings.Contains(got.stderr, c.says) {
				t.Errorf("got %+v, want exit code %d, %d lines, %q on stderr", got, c.code, c.lines, c.says)
			}
		})
	}
}

// humbly runs cmd without root's right to read everything. It is the right that goes, not the user: another one might not
// reach the test's directories, or not exist here.
func humbly(t *testing.T, cmd *exec.Cmd) (got result) {
	t.Helper()
	var group sync.WaitGroup
	group.Go(func() { // ends with the program
		runtime.LockOSThread() // and never unlocks: the thread has lost the right, and ends with the goroutine
		for _, right := range []uintptr{unix.CAP_DAC_OVERRIDE, unix.CAP_DAC_READ_SEARCH} {
			if err := unix.Prctl(unix.PR_CAPBSET_DROP, right, 0, 0, 0); err != nil && os.Geteuid() == 0 {
				t.Error(err)
			}
		}
		got = finish(t, cmd)
	})
	group.Wait()
	return got
}
