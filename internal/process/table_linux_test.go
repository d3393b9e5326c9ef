package process

import (
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// crowd gives the program a large table of descriptors.
func crowd(t *testing.T) {
	t.Helper()
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { null.Close() })
	for range large {
		fd, err := unix.FcntlInt(null.Fd(), unix.F_DUPFD_CLOEXEC, 0)
		if err == unix.EMFILE {
			t.Skip("no table gets large here: ", err)
		}
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { unix.Close(fd) })
	}
}

// mayOwn reports whether a thread can have a table of its own here. Where system calls are filtered, as in a container, it
// may not, and forks from the program's.
var mayOwn = sync.OnceValue(func() bool {
	var may bool
	onOwnThread(func() {
		may = runtimeKnown && unix.CloseRange(math.MaxUint32, math.MaxUint32, 0) == nil && unix.Unshare(unix.CLONE_FILES) == nil
	})
	return may
})

// onForker calls do on the thread that forks, and reports whether it has a table of its own.
func onForker(do func()) (own bool) {
	children.thread.do(do)
	return children.thread.own
}

// A child that is forked from a table of its own gets the same descriptors as any other.
func TestOwnTable(t *testing.T) {
	held := run(t, shell("exec sleep 1000")) // the thread is there, with the program's table
	inherited, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer inherited.Close()
	unix.FcntlInt(inherited.Fd(), unix.F_SETFD, 0)
	list := func() string {
		w, next := report(t)
		spec := shell("ls /proc/self/fd | tr '\\n' ' ' >&3; echo >&3")
		spec.Files = []*os.File{w}
		await(t, run(t, spec))
		return next()
	}
	before := list()
	if onForker(func() {}) {
		t.Fatal("it has a table of its own already")
	}
	crowd(t)
	if after := list(); after != before {
		t.Errorf("descriptors %q, from the program's table %q", after, before)
	}
	if own := onForker(func() {}); own != mayOwn() {
		t.Errorf("it has a table of its own: %t, want %t", own, mayOwn())
	}
	if err := held.Kill(); err != nil {
		t.Error(err)
	}
	if st := await(t, held); st.Signal != unix.SIGKILL {
		t.Errorf("ended with %+v", st)
	}
}

// What the program closes is closed, whatever the thread had when it got its table.
func TestOwnTableHoldsNothing(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	crowd(t)
	run(t, shell("exec sleep 1000"))
	w.Close()
	r.SetReadDeadline(time.Now().Add(limit))
	if n, err := r.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("read %d bytes, %v; want the end", n, err)
	}
	var names []string
	own := onForker(func() {
		all, _ := os.ReadDir(ownDescriptors)
		for _, e := range all {
			kind, _ := os.Readlink(ownDescriptors + "/" + e.Name())
			names = append(names, e.Name()+" "+kind)
		}
	})
	if own != mayOwn() || own && len(names) > 30 {
		t.Errorf("own %t, descriptors:\n%s", own, strings.Join(names, "\n"))
	}
}

// The runtime can do all its work on the thread: collect, and wake who waits in the poller.
func TestOwnTableRuntime(t *testing.T) {
	crowd(t)
	run(t, shell("exec sleep 1000"))
	for range 100 {
		fired := make(chan struct{})
		onForker(func() {
			for range 20 { // others come to wait in the poller meanwhile
				time.Sleep(10 * time.Microsecond)
			}
			time.AfterFunc(time.Microsecond, func() { close(fired) })
			runtime.GC()
			runtime.Gosched()
		})
		select {
		case <-fired:
		case <-time.After(limit):
			t.Fatal("the timer does not fire")
		}
	}
}

// The thread is not used for anything else afterwards.
func TestOwnTableEnds(t *testing.T) {
	crowd(t)
	before := entries(t, "/proc/self/fd")
	for range 20 {
		await(t, run(t, shell("exit")))
		var group []chan int
		for range 8 {
			n := make(chan int)
			group = append(group, n)
			go func() {
				runtime.LockOSThread()
				defer runtime.UnlockOSThread()
				all, _ := os.ReadDir(ownDescriptors)
				n <- len(all)
			}()
		}
		for _, n := range group {
			if n := <-n; n < before-10 {
				t.Errorf("a thread has %d descriptors, the program %d", n, before)
			}
		}
	}
}

// Each child gets what was meant for it.
func TestOwnTableAtOnce(t *testing.T) {
	crowd(t)
	held := run(t, shell("exec sleep 1000"))
	var group sync.WaitGroup
	var reports []func() string
	for i := range 40 {
		w, next := report(t)
		reports = append(reports, next)
		group.Go(func() {
			spec := shell("echo " + strconv.Itoa(i) + " >&3; exit " + strconv.Itoa(i))
			spec.Files = []*os.File{w}
			p, err := Start(spec)
			if err != nil {
				t.Error(err)
				return
			}
			defer p.Stdout.Close()
			defer p.Stderr.Close()
			if got := p.Wait().ExitCode; got != i {
				t.Errorf("child %d ended with %d", i, got)
			}
		})
	}
	group.Wait()
	for i, next := range reports {
		if got := next(); got != strconv.Itoa(i) {
			t.Errorf("child %d wrote %q", i, got)
		}
	}
	held.Kill()
}

// A program, and where it runs, can be named by a descriptor of ours.
func TestOwnTableNames(t *testing.T) {
	program, err := os.Open("/bin/sh")
	if err != nil {
		t.Fatal(err)
	}
	defer program.Close()
	here, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.Open(here)
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	for _, crowded := range []bool{false, true} {
		if crowded {
			crowd(t)
		}
		for _, own := range []string{"/proc/self/fd/", "/dev/fd/"} {
			spec := shell("pwd")
			spec.Path, spec.Dir = own+strconv.Itoa(int(program.Fd())), own+strconv.Itoa(int(dir.Fd()))
			p := run(t, spec)
			if said, _ := io.ReadAll(p.Stdout); string(said) != dir.Name()+"\n" {
				t.Errorf("crowded %t, %s: it runs in %q", crowded, own, said)
			}
			await(t, p)
		}
	}
}

// What children inherit is kept only as long as the program keeps it.
func TestOwnTableInherited(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	unix.FcntlInt(w.Fd(), unix.F_SETFD, 0)
	crowd(t)
	first := run(t, shell("exec sleep 1000"))
	w.Close()
	run(t, shell("exec sleep 1000"))
	first.Kill()
	r.SetReadDeadline(time.Now().Add(limit))
	if n, err := r.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("read %d bytes, %v; want the end", n, err)
	}
}
