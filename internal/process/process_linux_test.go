package process

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// watched is a hold on somebody else's process.
type watched struct{ pid, fd int }

func watch(t testing.TB, pid string) watched {
	t.Helper()
	n, err := strconv.Atoi(pid)
	if err != nil {
		t.Fatal(err)
	}
	fd, err := unix.PidfdOpen(n, 0)
	if err != nil {
		t.Fatalf("process %d is not there: %v", n, err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	return watched{n, fd}
}

// gone waits until the process has exited, reaped or not.
func (w watched) gone(t testing.TB) {
	t.Helper()
	if !w.exits(int(limit.Milliseconds())) {
		unix.PidfdSendSignal(w.fd, unix.SIGKILL, nil, 0)
		t.Errorf("process %d lives on", w.pid)
	}
}

func (w watched) exits(ms int) bool {
	fds := []unix.PollFd{{Fd: int32(w.fd), Events: unix.POLLIN}}
	for {
		if n, err := unix.Poll(fds, ms); err != unix.EINTR {
			return n == 1
		}
	}
}

// regroup is a role: a process that starts one in a group of its own, reports it, and exits when the next file ends.
func regroup() {
	c := exec.Command("sleep", "1000")
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if c.Start() != nil {
		os.Exit(98)
	}
	os.NewFile(firstFile, "report").WriteString(strconv.Itoa(c.Process.Pid) + "\n")
	os.NewFile(firstFile+1, "hold").Read(make([]byte, 1))
}

// parent is a role: it starts a shell with its own report file, tells when it is bound, and stopped if it should be, and
// waits to be killed.
func parent(state string, script []string) {
	spec := shell(script[0])
	spec.Files = []*os.File{os.NewFile(firstFile, "report")}
	if state == "other user" {
		spec.Attr = otherUser()
	}
	p, err := Start(spec)
	if err != nil {
		os.Exit(97)
	}
	if state == "stopped" {
		stopped(p)
	}
	spec.Files[0].WriteString("bound\n")
	unix.Pause()
}

func otherUser() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
}

// stopped waits until the process has stopped.
func stopped(p *Process) {
	unix.Waitid(unix.P_PID, p.PID, nil, unix.WSTOPPED|unix.WNOWAIT, nil)
}

func TestKillStopped(t *testing.T) {
	p := run(t, shell("kill -STOP $$"))
	stopped(p)
	if err := p.Terminate(); err != nil { // waits for SIGCONT
		t.Fatal(err)
	}
	if err := p.Kill(); err != nil {
		t.Fatal(err)
	}
	if s := await(t, p); s.Signal != syscall.SIGKILL {
		t.Errorf("got %+v", s)
	}
}

// No process outlives a parent that is killed, whatever it is doing.
func TestParentKilled(t *testing.T) {
	const family = `sleep 1000 & echo child $! >&3; echo leader $$ >&3; `
	tests := []struct{ state, script string }{
		{"running", family + `while :; do :; done`},
		{"waiting", family + `wait`},
		{"ignoring signals", `trap "" HUP INT TERM IO PIPE; ` + family + `wait`},
		{"stopped", family + `kill -STOP $$`},
		{"closed its lifeline", `exec 4<&-; ` + family + `wait`},
		{"other user", family + `wait`},
	}
	for _, test := range tests {
		t.Run(test.state, func(t *testing.T) {
			if test.state == "other user" {
				other := exec.Command("true")
				other.SysProcAttr = otherUser()
				if err := other.Run(); err != nil { // not root, or in a namespace without other users
					t.Skip(err)
				}
			}
			w, next := report(t)
			spec := self(t, "parent", test.state, test.script)
			spec.Files = []*os.File{w}
			p := run(t, spec)
			var family []watched // the reports come in any order
			for range 3 {
				if _, pid, ok := strings.Cut(next(), " "); ok {
					family = append(family, watch(t, pid))
				}
			}
			if err := p.Signal(syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			for _, member := range family {
				member.gone(t)
			}
		})
	}
}

// Nor does what a leader has started that was gone before its parent, and has not been reaped yet.
func TestParentKilledAfterLeader(t *testing.T) {
	w, next := report(t)
	spec := self(t, "parent", "", `(exec sleep 1000 <&- >&- 2>&- 3<&- 4<&-) & echo child $! >&3; echo leader $$ >&3; wait`)
	spec.Files = []*os.File{w}
	p := run(t, spec)
	family := map[string]watched{}
	for range 3 { // the reports come in any order, and one says that the leader is bound
		if name, pid, ok := strings.Cut(next(), " "); ok {
			family[name] = watch(t, pid)
		}
	}
	if err := p.Signal(syscall.SIGSTOP); err != nil { // it can't reap
		t.Fatal(err)
	}
	stopped(p)
	unix.PidfdSendSignal(family["leader"].fd, unix.SIGKILL, nil, 0)
	family["leader"].gone(t)
	if family["child"].exits(0) {
		t.Error("the child did not outlive the leader")
	}
	if err := p.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	family["child"].gone(t)
}

// A leader that ends, by itself or by force, leaves nothing behind in its group, nor what has left the group but not the
// session.
func TestNothingOutlivesLeader(t *testing.T) {
	for name, spec := range map[string]Spec{
		"group":   shell(`sleep 1000 & echo $! >&3; read x <&4`),
		"session": self(t, "regroup"),
	} {
		t.Run(name+"/exits", func(t *testing.T) { endLeader(t, spec, nil) })
		t.Run(name+"/killed", func(t *testing.T) { endLeader(t, spec, (*Process).Kill) })
	}
}

func endLeader(t *testing.T, spec Spec, kill func(*Process) error) {
	w, next := report(t)
	hold, release, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer hold.Close()
	defer release.Close()
	spec.Files = []*os.File{w, hold}
	p := run(t, spec)
	descendant := watch(t, next())
	if kill == nil {
		release.Close()
	} else if err := kill(p); err != nil {
		t.Fatal(err)
	}
	if s := await(t, p); (s.Signal == syscall.SIGKILL) != (kill != nil) {
		t.Errorf("got %+v", s)
	}
	descendant.gone(t)
}

func TestSessionOf(t *testing.T) {
	p := run(t, shell("exec sleep 1000"))
	if got := sessionOf(p.PID); got != p.PID {
		t.Errorf("session of %d is %d", p.PID, got)
	}
	if got := sessionOf(1 << 30); got != -1 {
		t.Errorf("session of nobody is %d", got)
	}
}

// A number is in use as long as it is somebody's PID, group or session.
func TestInUse(t *testing.T) {
	line, err := newLifeline()
	if err != nil {
		t.Fatal(err)
	}
	defer line.close()
	for _, id := range []int{os.Getpid(), unix.Getpgrp()} {
		if !line.inUse(id) {
			t.Errorf("%d is not in use", id)
		}
	}
	if line.inUse(1 << 30) {
		t.Error("a number beyond all is in use")
	}
	p := run(t, shell("exit 0"))
	await(t, p)
	if line.inUse(p.PID) {
		t.Error("the number of a reaped process is in use")
	}
}

// Somebody else in the program may reap the process; that is noticed and harms nothing.
func TestReapedElsewhere(t *testing.T) {
	p := run(t, shell("exec sleep 1000"))
	go p.Wait() // ends with the process; await waits for it
	p.mu.Lock() // so that reap does not come first
	syscall.Kill(p.PID, syscall.SIGKILL)
	syscall.Wait4(p.PID, nil, 0, nil)
	p.mu.Unlock()
	if s := await(t, p); s != (Status{ExitCode: -1}) {
		t.Errorf("got %+v", s)
	}
}

func TestNoLeaks(t *testing.T) {
	cycle := func() {
		p, err := Start(Spec{Path: "/bin/true"})
		if err != nil {
			t.Fatal(err)
		}
		await(t, p)
		p.Stdout.Close()
		p.Stderr.Close()
		for _, bad := range []Spec{{Path: "/no/such"}, {Path: "/bin/true", Dir: "/no/dir"}} {
			if _, err := Start(bad); err == nil {
				t.Fatal("started")
			}
		}
	}
	cycle() // opens what the runtime keeps
	before := entries(t, "/proc/self/fd")
	for range 200 {
		cycle()
	}
	if after := entries(t, "/proc/self/fd"); after != before {
		t.Errorf("%d descriptors became %d", before, after)
	}
	if err := unix.Waitid(unix.P_ALL, 0, nil, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil); err != unix.ECHILD {
		t.Errorf("children are left: %v", err)
	}
}

// Waiting for a process takes no thread.
func TestThreads(t *testing.T) {
	run(t, shell("exec sleep 1000"))
	runtimes := 10 + 4*runtime.GOMAXPROCS(0) // threads that are no leak
	before := entries(t, "/proc/self/task")
	for range 50 + runtimes {
		run(t, shell("exec sleep 1000"))
	}
	if after := entries(t, "/proc/self/task"); after > before+runtimes {
		t.Errorf("%d threads became %d", before, after)
	}
}

func entries(t *testing.T, dir string) int {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

// A process has its own descriptors only, none of its siblings' or parent's.
func TestDescriptors(t *testing.T) {
	inherited, err := exec.Command("ls", "/proc/self/fd").Output()
	if err != nil {
		t.Skip(err)
	}
	run(t, shell("exec sleep 1000"))
	p := run(t, Spec{Path: "ls", Args: []string{"/proc/self/fd"}})
	p.Stdout.SetReadDeadline(time.Now().Add(limit))
	got, err := io.ReadAll(p.Stdout)
	want := bytes.Count(inherited, []byte("\n"))
	if _, taken := inheritedAs(firstFile); !taken { // else the lifeline stands where the tests were given something
		want++
	}
	if err != nil || bytes.Count(got, []byte("\n")) != want {
		t.Errorf("descriptors %q, %v; want %d, where others get %q", got, err, want, inherited)
	}
	if n := (Spec{Files: []*os.File{os.Stdin}}).Lifeline(); n != 4 {
		t.Errorf("lifeline on %d", n)
	}
}

func TestMemory(t *testing.T) {
	mine, err := Memory(os.Getpid())
	if err != nil || mine < 1<<20 || mine > 1<<36 {
		t.Errorf("my memory: %d, %v", mine, err)
	}
	if _, err := Memory(1 << 30); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("memory of nobody: %v", err)
	}
}

func TestOOMKills(t *testing.T) {
	if n, ok := OOMKills(); !ok {
		if _, err := counter("/proc/vmstat", "oom_kill"); err == nil {
			t.Error("nobody counts")
		}
	} else if more, _ := OOMKills(); more < n {
		t.Errorf("%d became %d", n, more)
	}
}

func TestFindCgroups(t *testing.T) {
	tests := []struct {
		name, groups, mounts string
		want                 cgroups
	}{
		{"v2", "0::/user.slice/a:b.service\n", "29 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n", cgroups{v2: "/sys/fs/cgroup/user.slice/a:b.service"}},
		{"container", "0::/\n", "29 23 0:26 / /sys/fs/cgroup rw master:4 - cgroup2 cgroup rw,nsdelegate\n", cgroups{v2: "/sys/fs/cgroup"}},
		{"mounted part", "0::/docker/x/y\n", "29 23 0:26 /docker/x /cg rw - cgroup2 cgroup rw\n", cgroups{v2: "/cg/y"}},
		{"other part", "0::/docker/xx\n", "29 23 0:26 /docker/x /cg rw - cgroup2 cgroup rw\n", cgroups{}},
		{"v1", "4:cpu,memory:/a\n1:cpuset:/\n", "1 2 3 / /c/cpuset rw - cgroup c rw,cpuset\n1 2 3 / /c/memory rw - cgroup c rw,cpu,memory\n", cgroups{v1: "/c/memory/a"}},
		{"hybrid", "4:memory:/a\n0::/\n", "1 2 3 / /m rw - cgroup c rw,memory\n1 2 3 / /u rw - cgroup2 c rw\n", cgroups{v1: "/m/a", v2: "/u"}},
		{"not mounted", "0::/a\n", "1 2 3 / / rw - ext4 root rw\n", cgroups{}},
		{"nothing", "", "", cgroups{}},
	}
	for _, test := range tests {
		if got := findCgroups(test.groups, test.mounts); got != test.want {
			t.Errorf("%s: got %+v, want %+v", test.name, got, test.want)
		}
	}
}

func newTestCgroup(t *testing.T, limit uint64) *Cgroup {
	t.Helper()
	c, err := NewCgroup(limit)
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// A cgroup holds even what has left the session, and is removed with the process.
func TestCgroup(t *testing.T) {
	for _, end := range []string{"exit 0", "kill -STOP $$"} {
		c := newTestCgroup(t, 0)
		if _, err := os.Stat(c.path + "/cgroup.kill"); err != nil {
			c.End()
			t.Skip(err)
		}
		w, next := report(t)
		hold, release, _ := os.Pipe()
		defer hold.Close()
		spec := shell(`setsid sh -c 'echo $$ >&3; exec sleep 1000' & read x <&4; echo end >&3; ` + end)
		spec.Files, spec.Cgroup = []*os.File{w, hold}, c
		p := run(t, spec)
		stray := watch(t, next())
		release.Close()
		next()
		if end != "exit 0" {
			p.Kill()
		}
		await(t, p)
		stray.gone(t) // it has left the cgroup a moment before that can be seen
		if _, err := os.Stat(c.path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is left: %v", c.path, err)
		}
		if n, err := c.Events(); n != 0 || err != nil {
			t.Errorf("Events = %d, %v", n, err)
		}
	}
}

// The memory limit ends a process that wants more, and the kernel's count tells so.
func TestCgroupMemory(t *testing.T) {
	c := newTestCgroup(t, 32<<20)
	spec := shell(`x=aaaaaaaaaaaaaaaa; while :; do x=$x$x; done`)
	spec.Cgroup = c
	if s := await(t, run(t, spec)); s.Signal != syscall.SIGKILL {
		t.Errorf("got %+v", s)
	}
	if n, err := c.Events(); n == 0 || err != nil {
		t.Errorf("Events = %d, %v", n, err)
	}
}

func TestStartFailsWithCgroup(t *testing.T) {
	c := newTestCgroup(t, 0)
	if _, err := Start(Spec{Path: "/no/such", Cgroup: c}); err == nil {
		t.Fatal("started")
	}
	if _, err := os.Stat(c.path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s is left: %v", c.path, err)
	}
}

func BenchmarkMemory(b *testing.B) {
	for b.Loop() {
		Memory(os.Getpid())
	}
}
