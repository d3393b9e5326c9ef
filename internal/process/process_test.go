//go:build linux || darwin

package process

import (
	"bufio"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// limit is how long a test waits for what must happen; far more than it takes.
const limit = time.Minute

// TestMain lets the test binary play the processes that a shell cannot.
func TestMain(m *testing.M) {
	switch os.Getenv("PROCESS_TEST") {
	case "":
		os.Exit(m.Run())
	case "regroup":
		regroup()
	case "gap":
		gap()
	case "settle":
		settle()
	case "parent":
		parent(os.Args[1], os.Args[2:])
	default:
		os.Exit(99)
	}
}

// run starts a process that is killed at the end of the test.
func run(t testing.TB, spec Spec) *Process {
	t.Helper()
	p, err := Start(spec)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.Kill()
		await(t, p)
		p.Stdout.Close()
		p.Stderr.Close()
	})
	return p
}

func shell(script string) Spec { return Spec{Path: "/bin/sh", Args: []string{"-c", script}} }

// self is the test binary in one of its roles.
func self(t testing.TB, role string, args ...string) Spec {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return Spec{Path: path, Args: args, Env: append(os.Environ(), "PROCESS_TEST="+role)}
}

func await(t testing.TB, p *Process) Status {
	t.Helper()
	ended := make(chan Status, 1)
	go func() { ended <- p.Wait() }()
	select {
	case st := <-ended:
		return st
	case <-time.After(limit):
	}
	t.Fatalf("process %d does not end", p.PID)
	return Status{}
}

// report returns a file for the process to write lines to, and a function that reads the next one.
func report(t testing.TB) (w *os.File, next func() string) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close(); w.Close() })
	r.SetReadDeadline(time.Now().Add(limit))
	lines := bufio.NewScanner(r)
	return w, func() string {
		t.Helper()
		if !lines.Scan() {
			t.Fatalf("no report: %v", lines.Err())
		}
		return lines.Text()
	}
}

func TestStatus(t *testing.T) {
	tests := []struct {
		script string
		want   Status
	}{
		{"exit 0", Status{}},
		{"exit 7", Status{ExitCode: 7}},
		{"kill -USR1 $$", Status{ExitCode: -1, Signal: syscall.SIGUSR1}},
		{"kill -KILL $$", Status{ExitCode: -1, Signal: syscall.SIGKILL}},
	}
	for _, test := range tests {
		t.Run(test.script, func(t *testing.T) {
			got := await(t, run(t, shell(test.script)))
			if got.MaxRSS < 1<<18 || got.MaxRSS > 1<<36 {
				t.Errorf("MaxRSS = %d", got.MaxRSS)
			}
			if got.User < 0 || got.System < 0 || got.User+got.System > limit {
				t.Errorf("User, System = %v, %v", got.User, got.System)
			}
			got.MaxRSS, got.User, got.System = 0, 0, 0
			if got != test.want {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}

func TestCPUTime(t *testing.T) {
	got := await(t, run(t, shell("i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done")))
	if got.User+got.System < 5*time.Millisecond {
		t.Errorf("User+System = %v", got.User+got.System)
	}
}

// What a process is given: environment, directory, name, files by number, an empty standard input.
func TestGiven(t *testing.T) {
	w, next := report(t)
	spec := shell(`echo $0 $X $(pwd -P) $(cat | wc -c) >&3; echo second >&4`)
	spec.Args = append(spec.Args, "name")
	spec.Env = []string{"X=x", "PATH=" + os.Getenv("PATH")}
	spec.Dir, _ = filepath.EvalSymlinks(t.TempDir())
	spec.Files = []*os.File{w, w}
	await(t, run(t, spec))
	if got, want := strings.Join(strings.Fields(next()), " "), "name x "+spec.Dir+" 0"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := next(); got != "second" {
		t.Errorf("got %q", got)
	}
}

func TestOutput(t *testing.T) {
	p := run(t, shell("echo out; echo err >&2"))
	out, err := bufio.NewReader(p.Stdout).ReadString('\n')
	if out != "out\n" {
		t.Errorf("stdout: %q, %v", out, err)
	}
	out, err = bufio.NewReader(p.Stderr).ReadString('\n')
	if out != "err\n" {
		t.Errorf("stderr: %q, %v", out, err)
	}
	// Nonblocking: a read that waits can be ended.
	await(t, p)
	q := run(t, shell("exec sleep 1000"))
	q.Stdout.SetReadDeadline(time.Now())
	if _, err := q.Stdout.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("read of a silent process: %v", err)
	}
}

func TestStdout(t *testing.T) {
	w, next := report(t)
	spec := shell("echo out")
	spec.Stdout = w
	p, err := Start(spec)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Stderr.Close()
	await(t, p)
	if p.Stdout != nil || next() != "out" {
		t.Error("output did not go to the given file")
	}
}

func TestStartFails(t *testing.T) {
	dir := t.TempDir()
	script := filepath.Join(dir, "script")
	os.WriteFile(script, []byte("#!/no/such/interpreter\n"), 0o755)
	plain := filepath.Join(dir, "plain")
	os.WriteFile(plain, nil, 0o644)
	tests := []struct {
		spec Spec
		is   error
		want string
	}{
		{Spec{Path: "/no/such"}, fs.ErrNotExist, "start /no/such: no such file or directory"},
		{Spec{Path: "no-such-program"}, fs.ErrNotExist, "start no-such-program: file does not exist in $PATH"},
		{Spec{Path: plain}, fs.ErrPermission, "start " + plain + ": permission denied"},
		{Spec{Path: "/bin/sh", Dir: "/no/dir"}, fs.ErrNotExist, "start /bin/sh: chdir /no/dir: no such file or directory"},
		{Spec{Path: "/bin/sh", Dir: plain}, syscall.ENOTDIR, "start /bin/sh: chdir " + plain + ": not a directory"},
		{Spec{Path: script}, fs.ErrNotExist, "start " + script + ": no such file or directory: the file exists, its interpreter or loader does not"},
		{Spec{Path: "./script", Dir: dir}, fs.ErrNotExist, "start ./script: no such file or directory: the file exists, its interpreter or loader does not"},
	}
	for _, test := range tests {
		p, err := Start(test.spec)
		if p != nil || !errors.Is(err, test.is) || err.Error() != test.want {
			t.Errorf("got  %v\nwant %v", err, test.want)
		}
		var pathErr *fs.PathError
		if !errors.As(err, &pathErr) || pathErr.Path != test.spec.Path {
			t.Errorf("%v is no PathError about %s", err, test.spec.Path)
		}
	}
}

func TestLookPath(t *testing.T) {
	if _, err := exec.LookPath("true"); err != nil {
		t.Skip(err)
	}
	if s := await(t, run(t, Spec{Path: "true"})); s.ExitCode != 0 {
		t.Errorf("got %+v", s)
	}
}

// What the caller asks for is combined with what is needed here, on a copy.
func TestAttr(t *testing.T) {
	attr := &syscall.SysProcAttr{Setpgid: true, Foreground: true, Noctty: true}
	before := *attr
	spec := shell("exit 3")
	spec.Attr = attr
	if s := await(t, run(t, spec)); s.ExitCode != 3 {
		t.Errorf("got %+v", s)
	}
	if !reflect.DeepEqual(*attr, before) {
		t.Errorf("the caller's attributes became %+v", attr)
	}
}

func TestTerminate(t *testing.T) {
	p := run(t, shell("exec sleep 1000"))
	if err := p.Terminate(); err != nil {
		t.Fatal(err)
	}
	if s := await(t, p); s.Signal != syscall.SIGTERM {
		t.Errorf("got %+v", s)
	}
}

func TestKillIgnoringTerm(t *testing.T) {
	w, next := report(t)
	spec := shell(`trap "echo term >&3" TERM; echo ready >&3; while :; do sleep 0.01; done`)
	spec.Files = []*os.File{w}
	p := run(t, spec)
	next()
	if err := p.Terminate(); err != nil {
		t.Fatal(err)
	}
	if got := next(); got != "term" {
		t.Fatalf("got %q", got)
	}
	if err := p.Kill(); err != nil {
		t.Fatal(err)
	}
	if s := await(t, p); s.Signal != syscall.SIGKILL {
		t.Errorf("got %+v", s)
	}
}

// A process that was reaped is never signaled again, whoever asks and however late.
func TestDone(t *testing.T) {
	for range 20 {
		p := run(t, shell("exit 0"))
		var askers sync.WaitGroup // each ends when it is told that the process is done
		for range 4 {
			askers.Go(func() {
				for p.Signal(0) == nil {
				}
			})
		}
		go p.Wait() // ends with the process; await waits for it
		askers.Wait()
		await(t, p)
		for _, err := range []error{p.Kill(), p.Terminate(), p.Signal(syscall.SIGUSR1)} {
			if err != os.ErrProcessDone {
				t.Errorf("signal to a reaped process: %v", err)
			}
		}
	}
}

func BenchmarkStart(b *testing.B) {
	for b.Loop() {
		p, err := Start(Spec{Path: "/bin/true"})
		if err != nil {
			b.Fatal(err)
		}
		p.Wait()
		p.Stdout.Close()
		p.Stderr.Close()
	}
}

func BenchmarkExec(b *testing.B) {
	for b.Loop() {
		c := exec.Command("/bin/true")
		c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		c.StdoutPipe()
		c.StderrPipe()
		if err := c.Run(); err != nil {
			b.Fatal(err)
		}
	}
}
