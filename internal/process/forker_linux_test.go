package process

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// gap is a role: a parent between the fork and the bind of a child that never looks at its files.
func gap() {
	spec := shell("exec sleep 1000 <&- 3<&-")
	children.join()
	var p Process
	if err := p.fork(&spec, spec.Path); err != nil {
		os.Exit(97)
	}
	os.NewFile(firstFile, "report").WriteString(strconv.Itoa(p.PID) + "\n")
	unix.Pause()
}

// A parent that is killed before it could tie its child's life to its own leaves no child either.
func TestParentKilledBeforeBind(t *testing.T) {
	w, next := report(t)
	spec := self(t, "gap")
	spec.Files = []*os.File{w}
	p := run(t, spec)
	child := watch(t, next())
	if err := p.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	child.gone(t)
}

// settle is a role: a worker that tells when it comes, and when it has settled.
func settle() {
	report := os.NewFile(firstFile, "report")
	report.WriteString("here\n")
	Settle(firstFile) // is not a lifeline: there is nothing to wait for
	report.WriteString(strconv.FormatBool(Settle(firstFile+1)) + "\n")
}

// A worker can wait until its end is sure, however late its parent comes to it, and if it never does.
func TestSettle(t *testing.T) {
	for _, binds := range []bool{true, false} {
		w, next := report(t)
		spec := self(t, "settle")
		spec.Files = []*os.File{w}
		children.join()
		p := new(Process)
		err := p.fork(&spec, spec.Path)
		if err != nil {
			t.Fatal(err)
		}
		if got := next(); got != "here" {
			t.Errorf("says %q", got)
		}
		if binds {
			err = p.bind()
		} else {
			p.line.close()
		}
		if got := next(); err != nil || got != strconv.FormatBool(binds) {
			t.Errorf("bound: %v, says %q, %v", binds, got, err)
		}
		p.Wait()
		p.Stdout.Close()
		p.Stderr.Close()
	}
}

// A program that has never heard of us begins when its end is sure, and has what it is to have.
func TestHeld(t *testing.T) {
	for _, binds := range []bool{true, false} {
		w, next := report(t)
		spec := Spec{Path: "sh", Args: []string{"-c", `echo "$* $(cat)" >&3; [ -e /proc/$$/fd/5 ] || echo closed >&3`, "sh", "a b", "c"}, Held: true}
		spec.Files = []*os.File{w}
		children.join()
		p := new(Process)
		path, err := spec.lookPath()
		if err != nil {
			t.Fatal(err)
		}
		if err := p.fork(&spec, path); err != nil {
			t.Fatal(err)
		}
		if binds {
			if err := p.bind(); err != nil {
				t.Fatal(err)
			}
			p.leash.WriteString("\n")
			for _, want := range []string{"a b c ", "closed"} {
				if got := next(); got != want {
					t.Errorf("says %q, want %q", got, want)
				}
			}
		}
		p.leash.Close()
		p.Wait()
		if w.WriteString("nothing else\n"); next() != "nothing else" {
			t.Errorf("bound: %v, says more than it should", binds)
		}
		p.Stdout.Close()
		p.Stderr.Close()
	}
	if _, err := Start(Spec{Path: "/no/such", Held: true}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing program: %v", err)
	}
	p := run(t, Spec{Path: "echo", Args: []string{"-n", "$HOME; 'x'"}, Held: true})
	if said, err := io.ReadAll(p.Stdout); string(said) != "$HOME; 'x'" {
		t.Errorf("echo says %q, %v", said, err)
	}
}

// A process outlives the thread whose goroutine started it.
func TestThreadEnds(t *testing.T) {
	var p *Process
	var thread int
	onOwnThread(func() {
		thread = unix.Gettid()
		p = run(t, shell("exec sleep 1000"))
	})
	for unix.Tgkill(os.Getpid(), thread, 0) == nil { // nothing tells when a thread has ended
		runtime.Gosched()
	}
	if watch(t, strconv.Itoa(p.PID)).exits(100) {
		t.Errorf("ended with the thread: %+v", await(t, p))
	}
}

// onOwnThread calls do on a thread that ends with it.
func onOwnThread(do func()) {
	var group sync.WaitGroup
	group.Go(func() {
		runtime.LockOSThread() // and never unlocks: the thread ends with the goroutine
		if unix.Gettid() != os.Getpid() {
			do()
			return
		}
		onOwnThread(do) // the first thread never ends; as it is taken, this finds another
		runtime.UnlockOSThread()
	})
	group.Wait()
}

// The thread is there only while there are children.
func TestForkerEnds(t *testing.T) {
	for range 3 {
		for range 2 {
			p := run(t, shell("exit"))
			await(t, p)
		}
		if _, err := Start(Spec{Path: "/no/such"}); err == nil {
			t.Fatal("started")
		}
		children.mu.Lock()
		users, ended := children.users, children.thread.ended
		children.mu.Unlock()
		<-ended
		if users != 0 {
			t.Errorf("%d users without a child", users)
		}
	}
}

// A program that is held back by a shell has the environment that it was given.
func TestHeldEnvironment(t *testing.T) {
	for _, env := range [][]string{
		{"A=1", "bound=2", "EMPTY=", "TEXT=a\nb"}, {"my.var=3"}, {"BASH_FUNC_f%%=() { :; }"}, {"a-b=4"}, {"2=5"}, {"IFS=x"}, {"PPID=7"},
	} {
		p := run(t, Spec{Path: "env", Env: env, Held: true})
		said, _ := io.ReadAll(p.Stdout)
		await(t, p)
		var got []string
		for _, kv := range strings.SplitAfter(strings.TrimSuffix(string(said), "\n"), "\n") {
			if !strings.HasPrefix(kv, "PWD=") { // which a shell adds
				got = append(got, kv)
			}
		}
		for _, kv := range env {
			if !strings.Contains(strings.Join(got, "")+"\n", kv+"\n") {
				t.Errorf("of %q it has %q", env, got)
			}
		}
	}
}

// A shell would not find what a descriptor of ours names.
func TestHeldDescriptor(t *testing.T) {
	f, err := os.Open("/bin/true")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if st := await(t, run(t, Spec{Path: "/dev/fd/" + strconv.Itoa(int(f.Fd())), Held: true})); st.ExitCode != 0 {
		t.Errorf("it ends with %+v", st)
	}
}
