package process

import (
	"runtime"
	"sync"
)

// forker is the thread that every child is forked from. A child asks for SIGKILL when its parent dies (Pdeathsig), and
// for the kernel the parent is the thread that forked. Go ends threads, for example when a goroutine ends that was locked
// to one; this thread stays for as long as there are children.
type forker struct {
	mu    sync.Mutex
	users int         // processes that are being started, or are not reaped yet
	work  chan func() // to serve. Set with the first user, closed by the last
	ended chan struct{}
}

var children forker

// join must come before fork, and leave when the process is reaped or could not be started.
func (f *forker) join() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.users++; f.users > 1 {
		return
	}
	f.work, f.ended = make(chan func()), make(chan struct{})
	// serve, one while there are children: ends when the last one leaves, which waits for it.
	go serve(f.work, f.ended)
}

func (f *forker) leave() {
	f.mu.Lock()
	f.users--
	last, work, ended := f.users == 0, f.work, f.ended
	f.mu.Unlock()
	if last {
		close(work)
		<-ended
	}
}

// fork calls do on the thread, and waits until it returns.
func (f *forker) fork(do func()) {
	f.mu.Lock()
	work := f.work
	f.mu.Unlock()
	done := make(chan struct{})
	work <- func() {
		do()
		close(done)
	}
	<-done
}

func serve(work <-chan func(), ended chan<- struct{}) {
	defer close(ended)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread() // it has no children any more
	for do := range work {
		do()
	}
}
