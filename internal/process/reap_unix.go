//go:build linux || darwin

package process

import (
	"os"
	"syscall"
	"time"
)

// reap waits for the leader's end and cleans up after it. The order matters: until it is reaped the leader is a zombie
// that keeps its number, so the group can be killed by that number; after that, what is left of the session.
func (p *Process) reap() {
	ours := awaitExit(p.PID, p.watch)
	p.collect(ours)
	p.killSession()
	p.release()
	if p.cgroup != nil {
		p.status.OOMKills, _ = p.cgroup.Events()
	}
}

// release gives back what Start took, when the leader is reaped or was not started.
func (p *Process) release() {
	children.leave()
	p.line.close()
	if p.cgroup != nil {
		p.cgroup.End()
	}
}

// collect kills the group and reaps the leader. If somebody else in this program has reaped it already, the number is
// not safe to use.
func (p *Process) collect(ours bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if ours {
		syscall.Kill(-p.PID, syscall.SIGKILL)
	}
	p.reaped = true
	p.status = wait(p.PID)
}

// wait reaps pid, which has exited or is about to.
func wait(pid int) Status {
	var ws syscall.WaitStatus
	var ru syscall.Rusage
	for {
		switch _, err := syscall.Wait4(pid, &ws, 0, &ru); err {
		case nil:
			return newStatus(ws, &ru)
		case syscall.EINTR:
		default:
			return Status{ExitCode: -1}
		}
	}
}

func newStatus(ws syscall.WaitStatus, ru *syscall.Rusage) Status {
	s := Status{
		ExitCode: ws.ExitStatus(), // -1 unless it exited
		Core:     ws.CoreDump(),
		MaxRSS:   uint64(ru.Maxrss) * maxRSSUnit,
		User:     time.Duration(ru.Utime.Nano()),
		System:   time.Duration(ru.Stime.Nano()),
	}
	if ws.Signaled() {
		s.Signal = ws.Signal()
	}
	return s
}

// signal signals the leader, or with a negative number its group, unless the leader is reaped.
func (p *Process) signal(number int, sig syscall.Signal) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.reaped {
		return os.ErrProcessDone
	}
	return os.NewSyscallError("kill", syscall.Kill(number, sig))
}
