package transport

import (
	"runtime"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The operations on a word that processes share.
const (
	futexOpWait = 0
	futexOpWake = 1
)

// futexWait blocks the thread while the word has the value, for at most the given time, or until woken if that is
// negative. It may return early.
func futexWait(word *atomic.Uint32, value uint32, atMost time.Duration) {
	var timeout *unix.Timespec
	if atMost >= 0 {
		t := unix.NsecToTimespec(int64(atMost))
		timeout = &t
	}
	unix.Syscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(word)), futexOpWait, uintptr(value), uintptr(unsafe.Pointer(timeout)), 0, 0)
}

// futexWake wakes whoever waits at the word. That never blocks. Where there is but one processor, who is woken runs first,
// and the runtime is not told of the call: it would take the processor away from us meanwhile, which is there for nobody
// else. Where there are more, others of this process may go on there.
func futexWake(word *atomic.Uint32) {
	if oneProcessor {
		unix.RawSyscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(word)), futexOpWake, 1, 0, 0, 0)
		return
	}
	unix.Syscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(word)), futexOpWake, 1, 0, 0, 0)
}

var oneProcessor = runtime.NumCPU() == 1

// clear makes the word 0 and reports whether it was not.
func clear32(word *atomic.Uint32) bool { return word.Load() != 0 && word.Swap(0) != 0 }
