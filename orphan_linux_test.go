package procpool_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
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

	"github.com/procpool/procpool"
	"github.com/procpool/procpool/pooltest"
)

// orphanMark is in the environment of a parent that is to be killed, and of all its descendants, however many parents they
// have lost.
const orphanMark = "PROCPOOL_ORPHAN_TEST"

var orphanTasks = []procpool.Task[int, int]{
	procpool.Define("orphan.busy", func(context.Context, int) (int, error) {
		//lint:ignore SA5002 it is to spin
		for {
		}
	}),
	procpool.Define("orphan.stopped", func(context.Context, int) (int, error) {
		syscall.Kill(os.Getpid(), syscall.SIGSTOP)
		select {}
	}),
	procpool.Define("orphan.family", func(context.Context, int) (int, error) {
		return 0, exec.Command("sh", "-c", "trap '' TERM HUP; sleep 1000 & sleep 1000").Run()
	}),
	procpool.Define("orphan.quick", func(_ context.Context, n int) (int, error) { return n, nil }),
	procpool.Define("orphan.deaf", func(ctx context.Context, n int) (int, error) {
		syscall.Close(3)
		syscall.Close(4)
		select {}
	}),
}

// TestOrphanParent is no test but the parent: it starts a pool, gives it all kinds of work, and waits to be killed.
func TestOrphanParent(t *testing.T) {
	if os.Getenv(orphanMark) == "" {
		t.Skip("runs in a process of its own: see TestNoOrphans")
	}
	fmt.Println("begin")
	ctx := context.Background()
	for {
		pool, err := procpool.New(procpool.Config{Processes: 5, MaxTasksPerChild: 2, Stdout: io.Discard, Stderr: io.Discard})
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			for i, task := range orphanTasks {
				task.ApplyAsync(ctx, pool, i)
			}
		}
		short, done := context.WithTimeout(ctx, time.Second)
		orphanTasks[0].ApplyAsync(ctx, pool, 1).Wait(short)
		done()
		pool.Terminate()
	}
}

// orphanWithin is what the family of a killed parent may take to be gone, the grandchildren too.
const orphanWithin = time.Second

// TestNoOrphans kills a pool's process at random moments, and waits for the end of all its family.
func TestNoOrphans(t *testing.T) {
	pooltest.Check(t)
	dir := t.TempDir() // the parents have no chance to clean up
	rounds := 30
	if os.Getenv("PROCPOOL_LONG") != "" {
		rounds = 250
	}
	var took []time.Duration
	family := 0
	for i := range rounds {
		mark := fmt.Sprintf("%s=%d-%d", orphanMark, os.Getpid(), i)
		delay := time.Duration(rand.IntN(400)) * time.Millisecond
		if i%3 == 0 { // where most of it happens
			delay = time.Duration(rand.IntN(40_000)) * time.Microsecond
		}
		n, d := orphanRound(t, mark, dir, delay)
		family, took = family+n-1, append(took, d)
	}
	slices.Sort(took)
	t.Logf("%d parents killed, with %d descendants; all were gone after %v (median), %v (p99), %v (most)",
		rounds, family, took[rounds/2], took[rounds-1-rounds/100], took[rounds-1])
	if family < rounds {
		t.Errorf("%d parents had only %d descendants", rounds, family)
	}
}

// orphanRound returns how many there were just before the kill, the parent included, and after what time nobody was left.
func orphanRound(t *testing.T, mark, dir string, delay time.Duration) (had int, took time.Duration) {
	t.Helper()
	cmd := exec.Command("/proc/self/exe", "-test.run=^TestOrphanParent$")
	cmd.Env = append(os.Environ(), mark, "TMPDIR="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if line != "begin\n" {
		t.Errorf("the parent says %q, %v", line, err)
	}
	<-time.After(delay) // the subject: it may be killed at any moment
	had = len(marked(mark))
	killed := time.Now()
	cmd.Process.Kill()
	cmd.Wait()
	for {
		left := marked(mark)
		took = time.Since(killed)
		if len(left) == 0 {
			return had, took
		}
		if took > orphanWithin {
			t.Errorf("killed %v after its begin, a parent has left %v later: %s", delay, took, strings.Join(family(mark), "; "))
			bury(mark)
			return had, took
		}
		for _, pid := range left {
			waitExit(pid, killed.Add(orphanWithin))
		}
	}
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

// family describes the living processes that have the mark in their environment.
func family(mark string) (left []string) {
	for _, pid := range marked(mark) {
		cmd, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		stat, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		left = append(left, fmt.Sprintf("%d %s %.40s", pid, bytes.ReplaceAll(cmd, []byte{0}, []byte{' '}), stat))
	}
	return left
}

func bury(mark string) {
	for _, pid := range marked(mark) {
		syscall.Kill(pid, syscall.SIGKILL)
	}
}

func marked(mark string) (pids []int) {
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		env, _ := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid)) // a zombie has none
		if bytes.Contains(env, []byte(mark+"\x00")) || bytes.HasSuffix(env, []byte(mark)) {
			pids = append(pids, pid)
		}
	}
	return pids
}
