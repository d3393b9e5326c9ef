package process

import (
	"os"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// gap is a role: a parent between the fork and the bind of a child that never looks at its files.
func gap() {
	spec := shell("exec sleep 1000 <&- 3<&-")
	children.join()
	var p Process
	if _, err := p.fork(&spec, spec.Path); err != nil {
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

// settle is a role: a worker that tells what its parent's death would be to it, before and after it has settled.
func settle() {
	report := os.NewFile(firstFile, "report")
	for range 2 {
		var signal int32
		unix.Prctl(unix.PR_GET_PDEATHSIG, uintptr(unsafe.Pointer(&signal)), 0, 0, 0)
		report.WriteString(strconv.Itoa(int(signal)) + "\n")
		Settle(firstFile + 1)
	}
	report.WriteString(strconv.FormatBool(bound(firstFile+1)) + "\n")
}

// Only until its lifeline is bound does a worker depend on its parent in another way.
func TestSettle(t *testing.T) {
	w, next := report(t)
	spec := self(t, "settle")
	spec.Files = []*os.File{w}
	run(t, spec)
	for _, want := range []string{"9", "0", "true"} {
		if got := next(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
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
		users, ended := children.users, children.ended
		children.mu.Unlock()
		<-ended
		if users != 0 {
			t.Errorf("%d users without a child", users)
		}
	}
}
