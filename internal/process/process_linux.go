package process

import (
	"errors"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

const maxRSSUnit = 1 << 10

// attrOS asks for the child's end at ours, which matters until the lifeline is bound, and for its pidfd.
func (s *Spec) attrOS(a *syscall.SysProcAttr, pidfd *int) {
	a.Pdeathsig = syscall.SIGKILL
	a.PidFD = pidfd
	if s.Cgroup != nil {
		a.UseCgroupFD, a.CgroupFD = true, int(s.Cgroup.dir.Fd())
	}
}

func pipe() (r, w int, err error) {
	var p [2]int
	err = unix.Pipe2(p[:], unix.O_CLOEXEC)
	return p[0], p[1], err
}

// awaitExit waits until the leader has exited, without reaping it, and reports whether it is still there to be reaped.
// It parks on the pidfd in the runtime's poller, so that waiting takes no thread; where the kernel has no pidfd (before
// 5.4), it takes one.
func awaitExit(pid, pidfd int) (ours bool) {
	if pidfd >= 0 && park(pidfd) == nil {
		return true
	}
	_, err := hasExited(unix.P_PID, pid, 0)
	return err == nil
}

// park waits in the poller for the end of the process behind pidfd, and closes it.
func park(pidfd int) error {
	unix.SetNonblock(pidfd, true)
	f := os.NewFile(uintptr(pidfd), "pidfd")
	defer f.Close()
	conn, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var look error
	wait := conn.Read(func(fd uintptr) (done bool) {
		done, look = hasExited(unix.P_PIDFD, int(fd), unix.WNOHANG)
		return done || look != nil
	})
	return errors.Join(wait, look)
}

// hasExited looks, or without WNOHANG waits, for the end of a child and leaves it a zombie.
func hasExited(idType, id, flags int) (bool, error) {
	for {
		var info unix.Siginfo
		err := unix.Waitid(idType, id, &info, unix.WEXITED|unix.WNOWAIT|flags, nil)
		if err != unix.EINTR {
			return info.Signo == int32(unix.SIGCHLD), err
		}
	}
}
