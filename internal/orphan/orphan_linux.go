package orphan

import (
	"bufio"
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// within is what the family of a killed parent may take to be gone, the grandchildren too. A long hunt holds the promise of
// a second; else the machine may be busy, and what is not ended stays for good.
func within() time.Duration {
	if long() {
		return time.Second
	}
	return 30 * time.Second
}

func long() bool { return os.Getenv("PROCPOOL_LONG") != "" }

// Hunt makes this test program's test of that name a parent, kills it with SIGKILL at a random moment, mostly soon, and
// waits for the end of all its family: so many times, or 250 in a long hunt, with PROCPOOL_LONG. The longest life is most.
func Hunt(t *testing.T, parent string, rounds int, most time.Duration) {
	dir := t.TempDir() // the parents have no chance to clean up
	if long() {
		rounds = 250
	}
	var took []time.Duration
	family := 0
	for i := range rounds {
		life := rand.N(most)
		if i%3 == 0 { // where most of it happens
			life = rand.N(most / 10)
		}
		h := hunt{
			t: t, parent: parent, life: life,
			mark: fmt.Sprintf("%s=%d-%d", mark, os.Getpid(), i), dir: dir,
		}
		n, d := h.kill()
		family, took = family+n-1, append(took, d)
	}
	slices.Sort(took)
	t.Logf("%d parents killed, with %d descendants; all were gone after %v (median), %v (p99), %v (most)",
		rounds, family, took[rounds/2], took[rounds-1-rounds/100], took[rounds-1])
	if family < rounds {
		t.Errorf("%d parents had only %d descendants", rounds, family)
	}
}

// hunt is the life of one parent.
type hunt struct {
	t      *testing.T
	parent string        // the test
	life   time.Duration // how long it lives
	mark   string
	dir    string
}

// kill returns how many there were just before, the parent included, and after what time nobody was left.
func (h hunt) kill() (had int, took time.Duration) {
	h.t.Helper()
	cmd := h.begin()
	<-time.After(h.life) // the subject: it may be killed at any moment
	had = len(h.family())
	killed := time.Now()
	cmd.Process.Kill()
	cmd.Wait()
	for {
		left := h.family()
		took = time.Since(killed)
		if len(left) == 0 {
			return had, took
		}
		if took > within() {
			h.t.Errorf("killed %v after its begin, a parent has left %v later: %s", h.life, took, describe(left))
			for _, pid := range left {
				syscall.Kill(pid, syscall.SIGKILL)
			}
			return had, took
		}
		for _, pid := range left {
			waitExit(pid, killed.Add(within()))
		}
	}
}

// begin starts the parent and returns when it has begun.
func (h hunt) begin() *exec.Cmd {
	h.t.Helper()
	cmd := exec.Command("/proc/self/exe", "-test.run=^"+h.parent+"$")
	cmd.Env = append(os.Environ(), h.mark, "TMPDIR="+h.dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		h.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		h.t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); line != begun {
		h.t.Errorf("the parent says %q, %v", line, err)
	}
	return cmd
}

// family returns the living processes that have the mark in their environment.
func (h hunt) family() (pids []int) {
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		env, _ := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid)) // a zombie has none
		if bytes.Contains(env, []byte(h.mark+"\x00")) || bytes.HasSuffix(env, []byte(h.mark)) {
			pids = append(pids, pid)
		}
	}
	return pids
}

func describe(pids []int) string {
	var text []string
	for _, pid := range pids {
		cmd, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		stat, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		text = append(text, fmt.Sprintf("%d %.80s %.40s", pid, bytes.ReplaceAll(cmd, []byte{0}, []byte{' '}), stat))
	}
	return strings.Join(text, "; ")
}

// waitExit waits until the process has ended, or until then.
func waitExit(pid int, until time.Time) {
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return
	}
	defer unix.Close(fd)
	unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, max(0, int(time.Until(until).Milliseconds()))+1)
}
