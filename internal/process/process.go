// Package process is the operating system's side of one worker process: it spawns, signals, reaps and measures. It knows
// nothing of pools, frames or tasks, and changes nothing of the process it runs in.
//
// A process is the leader of a session, and so of a process group, of its own. When the leader ends, whatever the reason,
// the rest of the group is killed, and so is what left the group but not the session. What calls setsid itself leaves
// the pool's reach; only a [Cgroup] holds that too.
//
// When this process dies first, the kernel kills the group (on Linux, see lifeline), but not what has left it.
package process

import (
	"os"
	"sync"
	"syscall"
	"time"
)

// Spec says what to start. Its descriptors beyond standard input, output and error are Files, from 3 on, and then the
// lifeline.
type Spec struct {
	Path   string               // the program; one without a slash is looked for in PATH
	Name   string               // argv[0]; empty: Path
	Args   []string             // the arguments after argv[0]
	Env    []string             // the whole environment, used as given; nil: that of this process
	Dir    string               // where it runs; a relative Path is relative to it; empty: here
	Attr   *syscall.SysProcAttr // what is needed here is set on a copy
	Cgroup *Cgroup              // nil: ours. Start takes it over, also when it fails: it ends with the process
	Limit  uint64               // with no Cgroup: its memory is limited by a new one where that is possible; 0: no limit
	Files  []*os.File           // become descriptors 3, 4, ... in blocking mode; Start does not close them
	Held   bool                 // the program may never have heard of Settle: a shell holds it back until the lifeline is bound
	Stdin  *os.File             // nil: /dev/null
	Stdout *os.File             // nil: a pipe to Process.Stdout
}

// Lifeline is the number of the descriptor on which the process sees the end of its parent: it can be read then, and has
// nothing. The process may wait for that, and should otherwise leave the descriptor alone.
func (s Spec) Lifeline() int { return firstFile + len(s.Files) }

const firstFile = 3

// Process is one started process.
type Process struct {
	// Immutable after Start.
	PID    int
	Stdout *os.File // the read end of its output, nonblocking, the caller's to close; nil if Spec.Stdout was given
	Stderr *os.File // the same for its errors
	line   lifeline
	leash  *os.File // for a shell that holds the program back; used by Start only
	cgroup *Cgroup
	watch  int // tells awaitExit when the process has exited; -1: nothing does

	waited sync.Once // guards status
	status Status

	// mu is held across kill(2), and across wait4(2) once the leader is known to have exited: neither blocks.
	mu     sync.Mutex
	reaped bool // the PID may belong to a stranger by now: never signal it again
}

// Status is how a process ended and what it used. If somebody else in this program reaped it, ExitCode is -1 and the
// rest is zero.
type Status struct {
	ExitCode int            // -1 when a signal ended it
	Signal   syscall.Signal // 0 when it exited
	Core     bool           // it left a core dump
	MaxRSS   uint64         // bytes, its reaped descendants' included; on Linux at least what this process held when it forked
	User     time.Duration
	System   time.Duration
	OOMKills uint64 // in its cgroup, if it had one of its own
}

// Wait waits until the process has exited, reaps it, and sends SIGKILL to what it left in its group and session. Then it tells
// how the process ended. Whoever started a process must wait for it; several may.
func (p *Process) Wait() Status {
	p.waited.Do(p.reap)
	return p.status
}

// Terminate sends SIGTERM to the process group. Like Kill and Signal it returns os.ErrProcessDone once the process is
// reaped.
func (p *Process) Terminate() error { return p.signal(-p.PID, syscall.SIGTERM) }

// Signal sends a signal to the process alone, not to its group.
func (p *Process) Signal(sig syscall.Signal) error { return p.signal(p.PID, sig) }

// Kill ends the process, its group and its cgroup at once. That also ends the session: what is left of it is killed when
// the leader is reaped, before Wait returns.
func (p *Process) Kill() error {
	if p.cgroup != nil {
		p.cgroup.Kill() // the group gets the signal in any case, and the rest of the cgroup at the end
	}
	return p.signal(-p.PID, syscall.SIGKILL)
}
