package process

import (
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// A fork copies the table of descriptors, and the exec that follows closes the copies one after the other, at half a
// microsecond each. A pool has some six descriptors for each worker, so from a few hundred workers on that takes longer
// than all else about a start. So once the table is large, the thread that forks gets one of its own, and takes what a
// child needs through a socket. Only with a runtime that is known, see runtimeKnown.
//
// Three kinds stay in that table, under their numbers. Go's runtime knows nothing of all this, and uses its poller from any
// thread. It has its last words on standard error. And what is inherited by any child of the program, as it is not closed
// at an exec, is inherited by these too, if it was there when the table was made, until the program closes it.

// large is the number of a descriptor by which a table is known to be large: the system gives the lowest that is free. With 64
// workers a table of its own costs more than it brings, with 1,000 half of what the start took is saved.
const large = 1024

// startWithOwn is syscall.ForkExec for a thread with a table of its own. The caller has the turn.
func (t *thread) startWithOwn(path string, argv []string, attr *syscall.ProcAttr) (pid int, err error) {
	var send []int
	for _, fd := range attr.Files {
		send = append(send, int(fd))
	}
	if attr.Sys.UseCgroupFD {
		send = append(send, attr.Sys.CgroupFD)
	}
	if err := unix.Sendmsg(t.ours, []byte{0}, unix.UnixRights(send...), nil, 0); err != nil {
		return -1, os.NewSyscallError("sendmsg", err)
	}
	gone := t.dropInherited()
	t.do(func() {
		for _, fd := range gone {
			unix.Close(fd)
		}
		pid, err = t.startReceived(path, argv, attr, len(send))
	})
	if err != nil {
		return -1, err
	}
	if fd, err := unix.PidfdOpen(pid, 0); err == nil {
		*attr.Sys.PidFD = fd
	}
	return pid, nil
}

// startReceived starts the program with descriptors that were sent to the thread, which calls it.
func (t *thread) startReceived(path string, argv []string, attr *syscall.ProcAttr, n int) (pid int, err error) {
	var d descriptors
	defer d.close()
	if err := d.receive(t.theirs, n); err != nil {
		return -1, err
	}
	a, sys := *attr, *attr.Sys
	a.Sys, sys.PidFD = &sys, nil
	path, a.Dir, sys.Chroot = named(path), named(a.Dir), named(sys.Chroot)
	a.Files = d.given[:len(attr.Files)]
	if sys.UseCgroupFD {
		sys.CgroupFD = d.own[n-1]
	}
	return syscall.ForkExec(path, argv, &a)
}

// named returns a path that means in a table of its own what the given one means in the program's: that may go by the number
// of a descriptor.
func named(path string) string {
	for _, own := range []string{"/proc/self/fd/", "/dev/fd/"} {
		if number, ok := strings.CutPrefix(path, own); ok {
			return "/proc/" + strconv.Itoa(os.Getpid()) + "/fd/" + number
		}
	}
	return path
}

// inherited is a descriptor that any child inherits, and what it stands for.
type inherited struct {
	fd  int
	dev uint64
	ino uint64
}

// inheritedAs returns what a descriptor stands for; false if no child inherits it.
func inheritedAs(fd int) (i inherited, ok bool) {
	var st unix.Stat_t
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
	if err != nil || flags&unix.FD_CLOEXEC != 0 || unix.Fstat(fd, &st) != nil {
		return i, false
	}
	return inherited{fd, uint64(st.Dev), st.Ino}, true
}

// dropInherited returns what children inherited until now, and the program has closed: the thread is to close it, too. The
// caller has the turn.
func (t *thread) dropInherited() (gone []int) {
	t.inherited = slices.DeleteFunc(t.inherited, func(then inherited) bool {
		now, ok := inheritedAs(then.fd)
		if !ok || now != then {
			gone = append(gone, then.fd)
		}
		return !ok || now != then
	})
	return gone
}

// receive takes n descriptors from a message.
func (d *descriptors) receive(socket, n int) error {
	oob := make([]byte, unix.CmsgSpace(4*n))
	var data [1]byte
	_, size, _, _, err := unix.Recvmsg(socket, data[:], oob, unix.MSG_CMSG_CLOEXEC)
	if err != nil {
		return os.NewSyscallError("recvmsg", err)
	}
	messages, err := unix.ParseSocketControlMessage(oob[:size])
	if err != nil {
		return err
	}
	for i := range messages {
		fds, err := unix.ParseUnixRights(&messages[i])
		if err != nil {
			return err
		}
		for _, fd := range fds {
			d.add(fd)
		}
	}
	if len(d.own) < n {
		return os.NewSyscallError("recvmsg", unix.EMFILE)
	}
	return nil
}

// separate gives the thread a table of its own, or changes nothing. The caller has the turn.
func (t *thread) separate() {
	t.shared = true
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return
	}
	t.do(func() {
		t.inherited, err = unshare(pair[1])
		t.own = err == nil
	})
	unix.Close(pair[1]) // the thread has it
	if !t.own {
		unix.Close(pair[0])
		return
	}
	t.ours, t.theirs = pair[0], pair[1]
}

// unshare gives this thread a table of its own, with a socket and what stays. It returns what of that children inherit.
func unshare(socket int) (kept []inherited, err error) {
	if err := unix.CloseRange(math.MaxUint32, math.MaxUint32, 0); err != nil {
		return nil, err
	}
	all, err := stay()
	if err != nil {
		return nil, err
	}
	if err := unix.Unshare(unix.CLONE_FILES); err != nil {
		return nil, err
	}
	all = append(all, socket)
	slices.Sort(all)
	first := 0
	for _, fd := range all {
		if fd == socket || stays(fd) { // still, and from now on nobody else changes it
			closeRange(first, fd-1)
			first = fd + 1
			if i, ok := inheritedAs(fd); ok && fd != syscall.Stderr {
				kept = append(kept, i)
			}
		}
	}
	closeRange(first, math.MaxInt32)
	return kept, nil
}

func closeRange(first, last int) {
	if first <= last {
		unix.CloseRange(uint(first), uint(last), 0)
	}
}

// stay returns the descriptors that stay.
func stay() (fds []int, err error) {
	dir, err := os.Open(ownDescriptors)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	pollers := 0
	for _, name := range names {
		fd, err := strconv.Atoi(name)
		if err == nil && stays(fd) {
			fds = append(fds, fd)
			if isPoller(fd) {
				pollers++
			}
		}
	}
	if pollers < 2 {
		return nil, fmt.Errorf("the runtime's poller: %w", errors.ErrUnsupported)
	}
	return fds, nil
}

func stays(fd int) bool {
	if fd <= syscall.Stderr {
		return fd == syscall.Stderr // a child gets the other two from us
	}
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
	return err == nil && flags&unix.FD_CLOEXEC == 0 || isPoller(fd)
}

// isPoller reports whether a descriptor may be the runtime's epoll, or the eventfd that wakes who waits there.
func isPoller(fd int) bool {
	kind, _ := os.Readlink(ownDescriptors + "/" + strconv.Itoa(fd))
	return kind == "anon_inode:[eventpoll]" || kind == "anon_inode:[eventfd]"
}

const ownDescriptors = "/proc/thread-self/fd"
