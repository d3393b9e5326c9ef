package process

import (
	"errors"
	"fmt"
	"syscall"

	"golang.org/x/sys/unix"
)

const maxRSSUnit = 1

func (s *Spec) attrOS(*syscall.SysProcAttr, *int) {}

// forker has no work here: no child depends on the thread that forked it.
type forker struct{}

var children forker

func (forker) join()  {}
func (forker) leave() {}

func (forker) start(path string, argv []string, attr *syscall.ProcAttr) (int, error) {
	return syscall.ForkExec(path, argv, attr)
}

func (l *lifeline) prepare() error { return nil }

// Settle has nothing to wait for here.
func Settle(lifeline int) (alive bool) { return true }

// bind opens a kqueue that tells when the process exits.
func (p *Process) bind() (err error) {
	if p.watch, err = unix.Kqueue(); err != nil {
		return fmt.Errorf("kqueue: %w", err)
	}
	unix.CloseOnExec(p.watch)
	p.line.hand()
	return nil
}

// awaitExit waits on the kqueue for the leader's exit, which leaves it a zombie. It takes a thread for each process. Not
// waitid, which here returns also when a process is stopped.
func awaitExit(pid, kq int) (ours bool) {
	defer unix.Close(kq)
	exit := unix.Kevent_t{Ident: uint64(pid), Filter: unix.EVFILT_PROC, Flags: unix.EV_ADD, Fflags: unix.NOTE_EXIT}
	for {
		_, err := unix.Kevent(kq, []unix.Kevent_t{exit}, make([]unix.Kevent_t, 1), nil)
		if err != unix.EINTR {
			return true // also for ESRCH: it is a zombie already
		}
	}
}

// killSession has no way to find the members of a session here.
func (p *Process) killSession() {}

// ends makes a pipe.
func ends() (ours, theirs int, err error) {
	r, w, err := pipe()
	return w, r, err
}

func pipe() (r, w int, err error) {
	syscall.ForkLock.RLock() // no pipe2 here: no fork between the pipe and its flags
	defer syscall.ForkLock.RUnlock()
	var p [2]int
	if err := syscall.Pipe(p[:]); err != nil {
		return 0, 0, err
	}
	syscall.CloseOnExec(p[0])
	syscall.CloseOnExec(p[1])
	return p[0], p[1], nil
}

// Memory is not offered here.
func Memory(pid int) (uint64, error) {
	return 0, fmt.Errorf("memory of process %d: %w", pid, errors.ErrUnsupported)
}
