package transport

import (
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// crowd notices that both sides of a ring share one processor though they would rather not. Two sides that spin look to the
// system like processors that have no time, so it leaves whoever is woken on his waker's processor; and from then on they take
// turns on it, 9 µs a call instead of one, while another is idle: for 50 ms and more, because each has run too recently to be
// moved. The pool sees it by this: it wakes the worker, and when it goes on, the worker has taken everything. Then the pool
// says where it runs, and a worker that runs there too moves on.
type crowd struct {
	met     int // times in a row that the worker was woken and ran in our place
	patient int // how many of them it takes; twice as many after each time, one fewer whenever the worker did not sleep
}

const (
	minPatience = 16
	maxPatience = 4096
)

// sees is called when something was sent, and reports whether the worker should move on. It tells whether the worker slept, and
// whether it has taken everything since it was woken.
func (c *crowd) sees(slept, taken bool) bool {
	if !slept {
		c.patient--
	}
	c.patient = max(c.patient, minPatience)
	if !taken {
		c.met = 0
		return false
	}
	if c.met++; c.met < c.patient {
		return false
	}
	c.met, c.patient = 0, min(2*c.patient, maxPatience)
	return true
}

// boardSpin is mayNotSpin, maySpin, or moveOn and more: then the worker may spin, and should not run on the processor of the
// number that is left without moveOn.
const (
	mayNotSpin = 0
	maySpin    = 1
	moveOn     = 2
)

// part lets the worker move on, if it runs where we do, and both sides spin again.
func (c *Ring) part() {
	if cpu, ok := processor(); ok && !c.refused.Load() {
		c.spin.Store(moveOn + cpu)
		c.parted.Store(true)
	}
}

// processor returns the number of the processor on which this thread runs.
func processor() (cpu uint32, ok bool) {
	_, _, errno := unix.RawSyscall(unix.SYS_GETCPU, uintptr(unsafe.Pointer(&cpu)), 0, 0)
	return cpu, errno == 0
}

// leaveProcessor makes this thread go on elsewhere if it runs on the given processor and may run on others. The processors that
// it may use are what they were when it returns; those that a cpuset is given later are not among them.
func leaveProcessor(cpu uint32) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if here, ok := processor(); !ok || here != cpu {
		return
	}
	var all unix.CPUSet
	if unix.SchedGetaffinity(0, &all) != nil {
		return
	}
	others := all
	if others.Clear(int(cpu)); others.Count() == 0 {
		return
	}
	if unix.SchedSetaffinity(0, &others) == nil { // it is there when this returns
		unix.SchedSetaffinity(0, &all)
	}
}
