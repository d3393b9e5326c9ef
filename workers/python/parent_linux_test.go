package python

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/procpool/procpool"
	"github.com/procpool/procpool/pooltest"
)

// Set in the process that plays the parent.
const (
	parentOf   = "PROCPOOL_TEST_PARENT" // the code that its workers run
	parentWith = "PROCPOOL_TEST_PYTHON" // their interpreter
)

// The parent of workers that are about to lose it. It never ends by itself.
func TestParent(t *testing.T) {
	code := os.Getenv(parentOf)
	if code == "" {
		t.Skip("it is run by TestParentKilled")
	}
	o := script(t, promises)
	o.Python = os.Getenv(parentWith)
	pool := newPool(t, procpool.Config{Processes: 2, Stdout: os.Stderr}, o)
	run.Map(t.Context(), pool, []string{code, code})
}

// When the pool's process is killed, its workers and what they started are gone soon, whatever they do; on a machine that
// is free, within a second. By themselves they would be there for long.
func TestParentKilled(t *testing.T) {
	const begin = `
child = subprocess.Popen(["sleep", "1000"])
print("pids", os.getpid(), child.pid)
`
	for name, code := range map[string]string{
		"sleeping":               "time.sleep(1000)",
		"looping":                "while True: pass",
		"in C, without the lock": "ctypes.CDLL(None).sleep(1000)",
		"in C, with the lock":    "ctypes.PyDLL(None).sleep(1000)",
		"deaf to signals":        "signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())\nctypes.PyDLL(None).sleep(1000)",
	} {
		t.Run(name, func(t *testing.T) {
			pooltest.Check(t)
			parent := exec.Command(os.Args[0], "-test.run=^TestParent$")
			parent.Env = append(os.Environ(), parentOf+"="+begin+code, parentWith+"="+interpreters(t)[0], "TMPDIR="+t.TempDir())
			out, err := parent.StderrPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := parent.Start(); err != nil {
				t.Fatal(err)
			}
			late := time.AfterFunc(patient, func() { parent.Process.Kill() })
			var living []unix.PollFd
			for lines := bufio.NewScanner(out); len(living) < 4 && lines.Scan(); {
				var worker, child int
				if _, err := fmt.Sscanf(lines.Text(), "pids %d %d", &worker, &child); err == nil {
					living = append(living, watch(t, worker), watch(t, child))
				}
			}
			late.Stop()
			parent.Process.Kill()
			parent.Wait()
			killed := time.Now()
			for _, p := range living {
				if !ended(p, killed.Add(patient)) {
					t.Error("a process lives on")
					unix.PidfdSendSignal(int(p.Fd), unix.SIGKILL, nil, 0)
				}
			}
			t.Logf("all were gone after %v", time.Since(killed))
			if len(living) != 4 {
				t.Errorf("%d processes were there, want 4", len(living))
			}
		})
	}
}

// ended waits until the process has ended, or until then.
func ended(p unix.PollFd, until time.Time) bool {
	for {
		n, err := unix.Poll([]unix.PollFd{p}, int(max(time.Until(until), 0).Milliseconds()))
		if err != unix.EINTR {
			return n == 1
		}
	}
}

// watch returns what a process's end can be polled with.
func watch(t *testing.T, pid int) unix.PollFd {
	t.Helper()
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	return unix.PollFd{Fd: int32(fd), Events: unix.POLLIN}
}
