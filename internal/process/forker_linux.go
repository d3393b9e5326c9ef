package process

import (
	"runtime"
	"slices"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// forker is the thread that every child is forked from. A child asks for SIGKILL when its parent dies (Pdeathsig), and
// for the kernel the parent is the thread that forked. Go ends threads, for example when a goroutine ends that was locked
// to one; this thread stays for as long as there are children.
type forker struct {
	mu     sync.Mutex
	users  int // processes that are being started, or are not reaped yet
	thread *thread
}

var children forker

// thread is the thread while there are users.
type thread struct {
	work  chan func() // to serve
	ended chan struct{}
	turn  chan struct{} // holds a token while nobody starts a program

	// Owned by who has the turn.
	own       bool // it has a table of descriptors of its own, see separate
	shared    bool // and can't get one
	ours      int  // if it has: a socket, from which its own end receives descriptors
	theirs    int  // that end, in the thread's table
	inherited []inherited
}

// join must come before start, and leave when the process is reaped or could not be started.
func (f *forker) join() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.users++; f.users > 1 {
		return
	}
	f.thread = &thread{work: make(chan func()), ended: make(chan struct{}), turn: make(chan struct{}, 1)}
	f.thread.turn <- struct{}{}
	// serve, one while there are children: ends when the last one leaves, which waits for it.
	go f.thread.serve()
}

func (f *forker) leave() {
	f.mu.Lock()
	f.users--
	last, t := f.users == 0, f.thread
	f.mu.Unlock()
	if last {
		t.end()
	}
}

// start is syscall.ForkExec from the thread. It may come without the child's pidfd, though that was asked for.
func (f *forker) start(path string, argv []string, attr *syscall.ProcAttr) (pid int, err error) {
	f.mu.Lock()
	t := f.thread
	f.mu.Unlock()
	<-t.turn
	defer func() { t.turn <- struct{}{} }()
	if runtimeKnown && !t.own && !t.shared && slices.Max(attr.Files) >= large {
		t.separate()
	}
	if t.own {
		return t.startWithOwn(path, argv, attr)
	}
	t.do(func() { pid, err = syscall.ForkExec(path, argv, attr) })
	return pid, err
}

// do calls f on the thread, and waits until it returns.
func (t *thread) do(f func()) {
	done := make(chan struct{})
	t.work <- func() {
		defer close(done)
		f()
	}
	<-done
}

func (t *thread) end() {
	close(t.work)
	<-t.ended
	if t.own {
		unix.Close(t.ours)
	}
}

func (t *thread) serve() {
	runtime.LockOSThread()
	if unix.Gettid() != unix.Getpid() {
		t.serveHere()
		return
	}
	other := make(chan struct{}) // the first thread never ends, and its table passes for the program's
	go func() {                  // is serve from here on
		runtime.LockOSThread()
		close(other)
		t.serveHere()
	}()
	<-other
	runtime.UnlockOSThread()
}

// serveHere serves on the thread that its goroutine is locked to.
func (t *thread) serveHere() {
	defer close(t.ended)
	for do := range t.work {
		do()
	}
	if !t.own { // else the thread ends with the goroutine; it has no children any more
		runtime.UnlockOSThread()
	}
}
