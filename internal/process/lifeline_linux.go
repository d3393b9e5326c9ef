package process

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// The kernel itself ends the child's process group when the last copy of our end is closed, that is when this process ends
// in whatever way. The line is a pair of connected sockets. Theirs asks for a signal at whatever happens to it (O_ASYNC),
// namely SIGKILL (F_SETSIG), and names the group as its receiver (F_SETOWN with a negative number). So no orphan stays, also
// if the worker is stopped, stuck in C, or has never heard of us. The settings belong to the socket, not to a descriptor,
// and the kernel remembers the group itself, not its number, so closing the line never hits a stranger that got the number
// later.
//
// Their end must be there to tell when ours is closed, whoever else is gone by then: the leader may have ended before us,
// and some programs close every descriptor they do not know (ssh, sudo). So their end waits in our end's queue, in a
// message that nobody ever takes out. The kernel tells the other end of a socket that is closed, and only then drops what
// is in its queue. Nothing depends on which process lets go of which descriptor first: a child that is just being forked
// has copies of them all, and holding both ends of a pipe open here instead lost one group in a hundred that way.
//
// The group has no number before the fork, and by the time we know it the program runs. If we die before bind, Pdeathsig
// ends the leader; that it follows the thread that forked, which Go's runtime may end at any time, is what [forker] is for.
// It reaches the leader only, and takes a millisecond. So a worker must not start anything before the line is bound, for
// which it waits with Settle; for a program that has never heard of us, a shell waits ([Spec.Held]).

// prepare puts their end into our end's queue, and sets all but the receiver, so that one call is left to do after the fork.
func (l *lifeline) prepare() error {
	if err := unix.Sendmsg(l.theirs, []byte{0}, unix.UnixRights(l.theirs), nil, 0); err != nil {
		return fmt.Errorf("lifeline: %w: more descriptors are on their way between processes than RLIMIT_NOFILE allows", err)
	}
	if err := unix.Shutdown(l.theirs, unix.SHUT_WR); err != nil { // the child has nothing to say
		return fmt.Errorf("lifeline: shutdown: %w", err)
	}
	if _, err := unix.FcntlInt(uintptr(l.theirs), unix.F_SETSIG, int(unix.SIGKILL)); err != nil {
		return fmt.Errorf("lifeline: F_SETSIG: %w", err)
	}
	if _, err := unix.FcntlInt(uintptr(l.theirs), unix.F_SETFL, unix.O_ASYNC); err != nil {
		return fmt.Errorf("lifeline: O_ASYNC: %w", err)
	}
	return nil
}

// bind ties the child's life to ours. Its pidfd came with the fork.
func (p *Process) bind() error {
	if _, err := unix.FcntlInt(uintptr(p.line.theirs), unix.F_SETOWN, -p.PID); err != nil {
		return fmt.Errorf("lifeline: F_SETOWN: %w", err)
	}
	p.line.hand()
	return nil
}

// Settle is called by a process that Start has started, with [Spec.Lifeline], before it starts any other. It waits until
// the line is bound. It reports false if the parent has died meanwhile.
func Settle(lifeline int) (alive bool) {
	flags, err := unix.FcntlInt(uintptr(lifeline), unix.F_GETFL, 0)
	if err != nil || flags&unix.O_ASYNC == 0 {
		return true // somebody else has started it
	}
	for !bound(lifeline) { // which nothing tells; it is mostly so when a program comes to look
		fds := []unix.PollFd{{Fd: int32(lifeline), Events: unix.POLLIN}}
		if n, _ := unix.Poll(fds, 1); n > 0 {
			return false
		}
	}
	return true
}

// bound reports whether the descriptor's signals have a receiver. A group's number is answered negative, which looks like
// an error if it is a small one.
func bound(lifeline int) bool {
	owner, err := unix.FcntlInt(uintptr(lifeline), unix.F_GETOWN, 0)
	return owner != 0 || err != nil
}

// inUse reports whether any process at all carries the number as its PID, its group or its session. It asks by naming
// the number as a receiver of signals: the kernel says ESRCH if the number means nobody. No signal is ever sent, as our
// end is not asynchronous. One cheap call instead of a walk through /proc.
func (l *lifeline) inUse(number int) bool {
	_, err := unix.FcntlInt(uintptr(l.ours), unix.F_SETOWN, -number)
	return err != unix.ESRCH
}

// ends makes sockets that carry messages: no others can be sent urgent data, which signals whoever inUse has named.
func ends() (ours, theirs int, err error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	return pair[0], pair[1], err
}
