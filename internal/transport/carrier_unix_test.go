//go:build linux || darwin

package transport

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

func init() {
	playPipe = func(role string) error {
		return roles[role](NewPipePeer(os.NewFile(3, "calls"), os.NewFile(4, "results")))
	}
	die = func() error { return syscall.Kill(os.Getpid(), syscall.SIGKILL) }
	carriers = append(carriers,
		carrier{"pipe", startPipe},
		carrier{"pipe-process", startPipeProcess},
	)
}

func startPipe(t testing.TB, role string) *worker {
	c, files, err := NewPipe()
	if err != nil {
		t.Fatal(err)
	}
	p := NewPipePeer(files[0], files[1])
	return inProcess(t, c, p, role, func() { closeAll(files) })
}

func startPipeProcess(t testing.TB, role string) *worker {
	c, files, err := NewPipe()
	if err != nil {
		t.Fatal(err)
	}
	return inChild(t, c, "pipe/"+role, files)
}

// inChild runs the worker in a process, which gets files from descriptor 3 on.
func inChild(t testing.TB, c Conn, role string, files []*os.File) *worker {
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), roleEnv+"="+role, "GOMAXPROCS=1", "GORACE=atexit_sleep_ms=0")
	cmd.ExtraFiles, cmd.Stderr = files, os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	closeAll(files)
	waited := false
	w := &worker{Conn: c}
	w.wait = func() error {
		if waited {
			return nil
		}
		waited = true
		return cmd.Wait()
	}
	w.kill = func() {
		cmd.Process.Kill()
		w.wait()
	}
	t.Cleanup(func() {
		w.kill()
		c.Interrupt()
		c.Close()
	})
	return w
}

func closeAll(files []*os.File) {
	for _, f := range files {
		f.Close()
	}
}

// What the poller does not watch, as when a user has no more watches left, blocks whoever reads it: it must not become a
// channel.
func TestUnwatched(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "file")) // no poller watches these
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := watched(file); !errors.Is(err, os.ErrNoDeadline) {
		t.Errorf("%v, want that it is not watched", err)
	}
}
