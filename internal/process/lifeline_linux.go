package process

import (
	"fmt"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The kernel itself ends the child's process group when the write end of the line is closed, that is when this process
// ends in whatever way. The read end asks for a signal at whatever happens to it (O_ASYNC), namely SIGKILL (F_SETSIG),
// and names the group as its receiver (F_SETOWN with a negative number). So no orphan stays, also if the worker is
// stopped, stuck in C, or has never heard of us.
//
// Why not Pdeathsig alone: it reaches the leader only, and a program that changes its user loses it.
//
// All three settings belong to the open file, not to the descriptor, so they hold for the child's copy too. The kernel
// remembers the group itself, not its number, so closing the line never hits a stranger that got the number later.
//
// We keep our copy of the read end, because some programs close every descriptor they do not know (ssh, sudo) and the
// settings end with the last copy. At our end the kernel lets go of descriptors from the highest down, so of the write
// end first, while the read end is still there to tell. That order is not promised; for all other programs it does not
// matter.
//
// The group has no number before the fork, and by the time we know it the program runs. If we die before bind, Pdeathsig
// ends the leader; what the program has started by then has to look at its files. That Pdeathsig follows the thread that
// forked, which Go's runtime may end at any time, is what [forker] is for.
//
// Once the line is bound, Pdeathsig does harm: it may end the leader, and so its copy of the read end, before we let go of
// the write end. If a sibling is just being forked then, which has copies of both ends, the last read end can be closed
// before the last write end, and the group is told nothing. So a worker calls Settle before it starts anything.

// prepare sets all but the receiver, so that one call is left to do after the fork.
func (l *lifeline) prepare() error {
	if _, err := unix.FcntlInt(uintptr(l.read), unix.F_SETSIG, int(unix.SIGKILL)); err != nil {
		return fmt.Errorf("lifeline: F_SETSIG: %w", err)
	}
	if _, err := unix.FcntlInt(uintptr(l.read), unix.F_SETFL, unix.O_ASYNC); err != nil {
		return fmt.Errorf("lifeline: O_ASYNC: %w", err)
	}
	return nil
}

// bind ties the child's life to ours. Its pidfd came with the fork.
func (p *Process) bind(*int) error {
	if _, err := unix.FcntlInt(uintptr(p.line.read), unix.F_SETOWN, -p.PID); err != nil {
		return fmt.Errorf("lifeline: F_SETOWN: %w", err)
	}
	return nil
}

// Settle is called by a process that Start has started, with [Spec.Lifeline], before it starts any other. It waits until
// the line is bound, and leaves the rest to it. If this process's parent dies meanwhile, so does this process.
func Settle(lifeline int) {
	var deathSignal int32
	unix.Prctl(unix.PR_GET_PDEATHSIG, uintptr(unsafe.Pointer(&deathSignal)), 0, 0, 0)
	if deathSignal == 0 {
		return // somebody else has started it
	}
	for !bound(lifeline) {
		time.Sleep(100 * time.Microsecond) // nothing tells; it takes longer only where the parent gets no processor
	}
	unix.Prctl(unix.PR_SET_PDEATHSIG, 0, 0, 0, 0)
}

// bound reports whether the descriptor's signals have a receiver. A group's number is answered negative, which looks like
// an error if it is a small one.
func bound(lifeline int) bool {
	owner, err := unix.FcntlInt(uintptr(lifeline), unix.F_GETOWN, 0)
	return owner != 0 || err != nil
}

// inUse reports whether any process at all carries the number as its PID, its group or its session. It asks by naming
// the number as a receiver of signals: the kernel says ESRCH if the number means nobody. No signal is ever sent, as the
// write end is not asynchronous. One cheap call instead of a walk through /proc.
func (l *lifeline) inUse(number int) bool {
	_, err := unix.FcntlInt(uintptr(l.write), unix.F_SETOWN, -number)
	return err != unix.ESRCH
}

func pipe() (r, w int, err error) {
	var p [2]int
	err = unix.Pipe2(p[:], unix.O_CLOEXEC)
	return p[0], p[1], err
}
