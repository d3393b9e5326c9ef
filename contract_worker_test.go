//go:build linux

package procpool_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/procpool/procpool"
)

// surroundings is what a worker finds.
type surroundings struct {
	Procs   int
	Stdin   string
	StdinN  int
	Env     map[string]string
	Dir     string
	Markers []string
	PID     int
	Files   map[string][]int // what is open
}

var ctLook = procpool.Define("contract.look", func(_ context.Context, names []string) (surroundings, error) {
	s := surroundings{PID: os.Getpid(), Procs: runtime.GOMAXPROCS(0), Env: map[string]string{}}
	s.Stdin, _ = os.Readlink("/proc/self/fd/0")
	b, _ := io.ReadAll(os.Stdin)
	s.StdinN = len(b)
	for _, n := range names {
		s.Env[n] = os.Getenv(n)
	}
	s.Dir, _ = os.Getwd()
	for _, kv := range os.Environ() {
		if strings.HasPrefix(kv, "PROCPOOL") {
			s.Markers = append(s.Markers, kv)
		}
	}
	s.Files = openFiles(func(int) bool { return true })
	return s, nil
})

// openFiles returns what this process has open, by what tells files apart, if keep keeps the descriptor.
func openFiles(keep func(fd int) bool) map[string][]int {
	files := map[string][]int{}
	for fd := range 1024 {
		var st syscall.Stat_t
		link, _ := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", fd))
		if syscall.Fstat(fd, &st) == nil && keep(fd) && !strings.HasPrefix(link, "anon_inode:") && !strings.HasPrefix(link, "/sys/fs/cgroup/") {
			key := fmt.Sprintf("%s %d:%d", link, st.Dev, st.Ino)
			files[key] = append(files[key], fd)
		}
	}
	return files
}

// inheritable tells descriptors that this process would hand to its children: those that it was itself given.
func inheritable(fd int) bool {
	flags, _, errno := syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_GETFD, 0)
	return errno == 0 && flags&syscall.FD_CLOEXEC == 0
}

func TestWorkerSurroundings(t *testing.T) {
	c := newContract(t)
	t.Setenv("CONTRACT_OF_PARENT", "a")
	t.Setenv("CONTRACT_OVERRIDDEN", "a")
	dir, err := filepath.EvalSymlinks(t.TempDir())
	c.must(err)
	before := os.Environ()
	p := c.pool(procpool.Config{Processes: 1, Dir: dir, Env: []string{"CONTRACT_OWN=b", "CONTRACT_OVERRIDDEN=b"}})
	s, err := ctLook.Apply(c.ctx, p, []string{"CONTRACT_OF_PARENT", "CONTRACT_OWN", "CONTRACT_OVERRIDDEN"})
	c.must(err)
	if s.Procs != 1 || s.Stdin != "/dev/null" || s.StdinN != 0 || s.Dir != dir || len(s.Markers) != 0 {
		t.Errorf("%+v", s)
	}
	if fmt.Sprint(s.Env) != "map[CONTRACT_OF_PARENT:a CONTRACT_OVERRIDDEN:b CONTRACT_OWN:b]" {
		t.Error(s.Env)
	}
	if !slices.Equal(before, os.Environ()) {
		t.Error("the parent's environment was changed")
	}
	c.shut(p)

	p = c.pool(procpool.Config{Processes: 1, Env: []string{"GOMAXPROCS=2"}})
	s, err = ctLook.Apply(c.ctx, p, nil)
	c.must(err)
	if s.Procs != 2 {
		t.Errorf("GOMAXPROCS %d, want what Env sets", s.Procs)
	}
	c.shut(p)
}

// No worker has a descriptor of another one's, or of anything the parent has open.
func TestWorkerInheritsNothing(t *testing.T) {
	c := newContract(t)
	f, err := os.CreateTemp(t.TempDir(), "open")
	c.must(err)
	defer f.Close()
	given := openFiles(inheritable)
	ours := openFiles(func(fd int) bool { return fd == int(f.Fd()) })
	p := c.ready(procpool.Config{Processes: 4})
	owner := map[string]int{}
	for range 20 {
		out, err := ctLook.Map(c.ctx, p, make([][]string, 20))
		c.must(err)
		for _, s := range out {
			for file := range s.Files {
				if given[file] != nil || strings.HasPrefix(file, os.DevNull+" ") { // each one's standard input
					continue
				}
				if other := owner[file]; other != 0 && other != s.PID || ours[file] != nil {
					t.Errorf("workers %d and %d both have %s", s.PID, other, file)
				}
				owner[file] = s.PID
			}
		}
	}
	c.shut(p)
}

var ctRunProgram = procpool.Define("contract.runProgram", func(ctx context.Context, args []string) (string, error) {
	out, err := programCommand(ctx, args[0], args[1:]...).Output()
	return string(out), err
})

// A program that a task starts gets none of the channel's descriptors, and is not taken for a worker, even if it makes
// pools itself.
func TestProgramOfATask(t *testing.T) {
	c := newContract(t)
	p := c.pool(procpool.Config{Processes: 1})
	out, err := ctRunProgram.Apply(c.ctx, p, []string{"pool"})
	if err != nil || out != "42\n" {
		t.Errorf("%q, %v", out, err)
	}
	out, err = ctRunProgram.Apply(c.ctx, p, []string{"descriptors"})
	want := []int{}
	for _, fds := range openFiles(inheritable) {
		want = append(want, fds...)
	}
	slices.Sort(want)
	want = slices.DeleteFunc(want, func(fd int) bool { return 3 <= fd && fd <= 6 }) // a worker has its own, and hands on none
	if err != nil || out != fmt.Sprintln(want) {
		t.Errorf("descriptors %q, %v", out, err)
	}
	c.shut(p)
}

func init() {
	programs["pool"] = func([]string) {
		ctx := context.Background()
		p, err := procpool.New(procpool.Config{Processes: 1})
		if err == nil {
			var v int
			if v, err = ctInc.Apply(ctx, p, 41); err == nil {
				fmt.Println(v)
				err = p.Shutdown(ctx)
			}
		}
		if err != nil {
			fmt.Println(err)
		}
	}
	programs["descriptors"] = func([]string) {
		var fds []int
		for _, more := range openFiles(inheritable) {
			fds = append(fds, more...)
		}
		slices.Sort(fds)
		fmt.Println(fds)
	}
	// busy [addr] [deaf]: a program whose pool has one worker at the gate, and ends as it is told.
	programs["busy"] = func(args []string) {
		p, err := procpool.New(procpool.Config{Processes: 2})
		if err != nil {
			fmt.Println(err)
			return
		}
		defer runtime.KeepAlive(p)
		ctx := context.Background()
		ctGate.ApplyAsync(ctx, p, gateIn{Addr: args[0], Label: "running", Deaf: true})
		ctLitter.Apply(ctx, p, gateIn{Addr: args[0], Label: "idle"})
		io.Copy(io.Discard, os.Stdin) // until told
	}
}

// Workers leave when the parent is gone, also while a task runs that ignores everything, and take along what they started.
func TestWorkersLeaveWithTheirParent(t *testing.T) {
	for name, end := range map[string]func(*exec.Cmd, io.Closer){
		"killed": func(cmd *exec.Cmd, _ io.Closer) { cmd.Process.Kill() },
		"exit":   func(_ *exec.Cmd, in io.Closer) { in.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			c := newContract(t)
			g := c.gate()
			cmd := c.program("busy", g.ln.Addr().String())
			in, err := cmd.StdinPipe()
			c.must(err)
			c.must(cmd.Start())
			a, b := g.await(), g.await()
			end(cmd, in)
			cmd.Wait()
			a.gone()
			b.gone()
		})
	}
}

// New in a program that did not call WorkerMain is an error, never a fork bomb.
func TestNewWithoutWorkerMain(t *testing.T) {
	c := newContract(t)
	c.long() // the compiler's work is within it
	dir := t.TempDir()
	src, program := dir+"/main.go", dir+"/program"
	c.must(os.WriteFile(src, []byte(`package main

import (
	"context"
	"fmt"

	"github.com/procpool/procpool"
)

var inc = procpool.Define("inc", func(_ context.Context, n int) (int, error) { return n + 1, nil })

func main() {
	_, err := procpool.New(procpool.Config{})
	fmt.Println(err)
	p, err := procpool.New(procpool.Config{StartMethod: procpool.Goroutines()}) // does not need it
	if err == nil {
		fmt.Println(inc.Apply(context.Background(), p, 1))
		p.Shutdown(context.Background())
	}
}
`), 0o600))
	if out, err := exec.Command("go", "build", "-o", program, src).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	out, err := exec.CommandContext(c.ctx, program).CombinedOutput()
	c.must(err)
	c.says(errors.New(string(out)), "procpool.WorkerMain()", "first statement of main", "\n2 <nil>\n")
}

// lines is a task that prints lines of its own letter.
type lines struct {
	Letter string
	Width  int
	N      int
	End    string // without a newline, then it exits, if not empty
}

var ctLines = procpool.Define("contract.lines", func(_ context.Context, in lines) (int, error) {
	line := strings.Repeat(in.Letter, in.Width) + "\n"
	for range in.N {
		// In pieces, so that they would mix if they could.
		io.WriteString(os.Stdout, line[:in.Width/2])
		io.WriteString(os.Stdout, line[in.Width/2:])
	}
	if in.End != "" {
		io.WriteString(os.Stdout, in.End)
		os.Exit(3)
	}
	return 0, nil
})

// What tasks print arrives whole line by line, and nothing is lost when a worker exits or dies.
func TestOutputLines(t *testing.T) {
	c := newContract(t)
	var out output
	p := c.pool(procpool.Config{Processes: 4, Stdout: &out})
	var rs []*procpool.AsyncResult[int]
	for i := range 8 {
		in := lines{Letter: string(rune('a' + i)), Width: 1000, N: 200}
		if i%2 == 1 {
			in.End = "the end of " + in.Letter
		}
		rs = append(rs, ctLines.ApplyAsync(c.ctx, p, in))
	}
	for _, r := range rs {
		r.Wait(c.ctx)
	}
	c.shut(p) // output is written
	count := map[string]int{}
	for line := range strings.Lines(out.String()) {
		if len(line) == 1001 && line == strings.Repeat(line[:1], 1000)+"\n" {
			count[line[:1]]++
		} else {
			count[strings.TrimSpace(line)]++
		}
	}
	for i := range 8 {
		l := string(rune('a' + i))
		if count[l] != 200 || i%2 == 1 && count["the end of "+l] != 1 {
			t.Errorf("of %s came %d lines and %d ends", l, count[l], count["the end of "+l])
		}
	}
	if len(count) != 12 {
		t.Errorf("%d different lines, want 12", len(count))
	}
	for _, w := range out.writes {
		if !strings.HasSuffix(w, "\n") {
			t.Fatalf("written in the middle of a line: %.40q", w)
		}
	}
}

func TestOutputLongLineIsSplit(t *testing.T) {
	c := newContract(t)
	var out output
	p := c.pool(procpool.Config{Processes: 1, Stdout: &out})
	_, err := ctLines.Apply(c.ctx, p, lines{Letter: "x", Width: 200 << 10, N: 1})
	c.must(err)
	_, err = ctLines.Apply(c.ctx, p, lines{Letter: "y", Width: 64<<10 - 1, N: 1})
	c.must(err)
	c.shut(p)
	x := 0
	for line := range strings.Lines(out.String()) {
		if len(line) > 64<<10+1 {
			t.Errorf("a line of %d bytes", len(line))
		}
		x += strings.Count(line, "x")
		if n := strings.Count(line, "y"); n != 0 && (n != 64<<10-1 || len(line) != 64<<10) {
			t.Errorf("a line that is short enough was split: %d", n)
		}
	}
	if x != 200<<10 {
		t.Errorf("%d of %d bytes", x, 200<<10)
	}
}

// A grandchild that keeps the pipes open holds nobody up.
func TestOutputNobodyWaitsForEOF(t *testing.T) {
	c := newContract(t)
	p := c.pool(procpool.Config{Processes: 1})
	pid, err := ctEscape.Apply(c.ctx, p, 0)
	c.must(err)
	defer func() {
		syscall.Kill(pid, syscall.SIGKILL)
	}()
	from := time.Now()
	c.shut(p)
	if d := time.Since(from); d > 10*time.Second {
		t.Errorf("Join took %v", d)
	}
}

// ctEscape leaves a process in a session of its own, which has the worker's stdout.
var ctEscape = procpool.Define("contract.escape", func(context.Context, int) (int, error) {
	cmd := exec.Command("sleep", "1000")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	err := cmd.Start()
	return cmd.Process.Pid, err
})

// ctStuck never leaves a system call for long, and holds its only processor in it: the runtime's signals interrupt it.
var ctStuck = procpool.Define("contract.stuck", func(context.Context, int) (int, error) {
	for {
		syscall.RawSyscall6(syscall.SYS_PSELECT6, 0, 0, 0, 0, 0, 0)
	}
})

func TestStuckInC(t *testing.T) {
	c := newContract(t)
	p := c.ready(procpool.Config{Processes: 1, Grace: 20 * time.Millisecond})
	_, err := ctStuck.With(procpool.CallOptions{Timeout: 20 * time.Millisecond}).Apply(c.ctx, p, 0)
	if e := errorAs[*procpool.WorkerError](c, err); e.Cause != procpool.CauseTimedOut {
		t.Errorf("%+v", e)
	}
	c.usable(p)
	c.shut(p)
}

var (
	ctLinger = procpool.DefineInitializer("contract.linger", func(context.Context, int) (func(), error) {
		return func() { select {} }, nil // another goroutine waits for the pool, so this is no deadlock
	})
	ctAbrupt = procpool.Define("contract.abrupt", func(_ context.Context, d time.Duration) (int, error) {
		time.Sleep(d)
		return 1, nil
	})
)

// A result is told before the worker leaves, however long that takes, and before the next task, however long that runs.
func TestResultsDoNotWait(t *testing.T) {
	c := newContract(t)
	p := c.ready(procpool.Config{Processes: 1, MaxTasksPerChild: 1, Initializer: ctLinger.Bind(0), Grace: time.Hour})
	if v, err := ctAbrupt.Apply(c.ctx, p, 20*time.Millisecond); v != 1 || err != nil {
		t.Error(v, err)
	}
	p.Terminate()

	p = c.ready(procpool.Config{Processes: 1, Grace: time.Hour})
	times := make([]time.Duration, 200)
	if _, err := ctAbrupt.Map(c.ctx, p, times); err != nil { // the worker gets a deep window
		t.Error(err)
	}
	var quick []*procpool.AsyncResult[int]
	for range 100 {
		quick = append(quick, ctAbrupt.ApplyAsync(c.ctx, p, 0))
	}
	ctAbrupt.ApplyAsync(c.ctx, p, time.Hour)
	for _, r := range quick {
		if _, err := r.Get(c.ctx); err != nil {
			t.Fatal(err)
		}
	}
	p.Terminate()
}
