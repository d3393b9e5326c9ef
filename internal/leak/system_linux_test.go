package leak

import (
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

func TestDescriptor(t *testing.T) {
	var f *os.File
	got := run(t, 0, func() { f, _ = os.Open(os.DevNull) })
	f.Close()
	wantText(t, got, "leaked descriptor", "-> /dev/null")
}

// Shared memory is found by its descriptor, and when that is closed, by its mapping.
func TestSharedMemory(t *testing.T) {
	var mem []byte
	got := run(t, 0, func() {
		fd, err := unix.MemfdCreate("forgotten", unix.MFD_CLOEXEC)
		if err == nil {
			err = unix.Ftruncate(fd, 4096)
		}
		if err == nil {
			mem, err = unix.Mmap(fd, 0, 4096, unix.PROT_READ, unix.MAP_SHARED)
		}
		if err != nil {
			t.Fatal(err)
		}
		unix.Close(fd)
	})
	unix.Munmap(mem)
	wantText(t, got, "leaked shared memory /memfd:forgotten")
}

func start(t *testing.T, name string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(name, args...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd
}

func TestChild(t *testing.T) {
	var cmd *exec.Cmd
	got := run(t, 0, func() { cmd = start(t, "sleep", "60") })
	cmd.Process.Kill()
	cmd.Wait()
	wantText(t, got, "leaked process "+strconv.Itoa(cmd.Process.Pid))
}

func TestZombie(t *testing.T) {
	var cmd *exec.Cmd
	got := run(t, 0, func() {
		cmd = start(t, "true")
		// Waits for its end, and leaves it to be reaped.
		if err := unix.Waitid(unix.P_PID, cmd.Process.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil); err != nil {
			t.Fatal(err)
		}
	})
	cmd.Wait()
	wantText(t, got, "leaked zombie "+strconv.Itoa(cmd.Process.Pid)+" (true)")
}

// A grandchild whose parent is gone is no child of ours any more, and still found.
func TestOrphan(t *testing.T) {
	var orphan int
	got := run(t, 0, func() {
		out, err := exec.Command("sh", "-c", "sleep 60 >/dev/null 2>&1 & echo $!").Output()
		if err != nil {
			t.Fatal(err)
		}
		orphan, _ = strconv.Atoi(strings.TrimSpace(string(out)))
	})
	unix.Kill(orphan, unix.SIGKILL)
	wantText(t, got, "leaked process "+strconv.Itoa(orphan))
}

func TestThreads(t *testing.T) {
	stop := make(chan struct{})
	var locked, ended sync.WaitGroup
	got := run(t, 0, func() {
		for range 2 * manyThreads() {
			locked.Add(1)
			ended.Go(func() { // until stop is closed; its thread ends with it
				runtime.LockOSThread()
				locked.Done()
				<-stop
			})
		}
		locked.Wait()
	})
	close(stop)
	ended.Wait()
	wantText(t, got, " threads")
}
