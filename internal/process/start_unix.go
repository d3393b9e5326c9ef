//go:build linux || darwin

package process

import (
	"cmp"
	"io/fs"
	"os"
	"runtime"
	"syscall"
)

// Start starts a process and returns once its program runs. Its error tells the program and the reason, and wraps what
// the system said. After a failure nothing is left.
func Start(spec Spec) (*Process, error) {
	spec.confine()
	p := &Process{cgroup: spec.Cgroup}
	children.join()
	if err := p.start(&spec); err != nil {
		p.abandon()
		return nil, &fs.PathError{Op: "start", Path: spec.Path, Err: err}
	}
	return p, nil
}

func (p *Process) start(s *Spec) error {
	path, err := s.lookPath()
	if err != nil {
		return err
	}
	if err := p.fork(s, path); err != nil {
		return err
	}
	if err := p.bind(); err != nil {
		p.undo()
		return err
	}
	if p.leash != nil {
		p.leash.WriteString("\n") // has room; a shell that has ended is known of soon
		p.leash.Close()
	}
	return nil
}

// fork starts the program, which nothing but Pdeathsig ties to us until it is bound.
func (p *Process) fork(s *Spec, path string) (err error) {
	var child descriptors
	defer child.close()
	if err := p.plumb(s, &child); err != nil {
		return err
	}
	env := s.Env
	if env == nil {
		env = os.Environ()
	}
	p.watch = -1
	attr := &syscall.ProcAttr{Dir: s.Dir, Env: env, Files: child.given, Sys: s.attr(&p.watch)}
	argv := append([]string{cmp.Or(s.Name, s.Path)}, s.Args...)
	if s.Held && s.holdable(path, env) {
		if p.leash, err = child.leash(); err != nil {
			return err
		}
		path, argv = hold(path, argv, len(child.given)-1)
		attr.Files = child.given
	}
	p.PID, err = children.start(path, argv, attr)
	runtime.KeepAlive(s)
	if err != nil {
		return s.explain(path, err)
	}
	return nil
}

// plumb opens what the child gets: standard input, output and error, the files, and the lifeline.
func (p *Process) plumb(s *Spec, child *descriptors) (err error) {
	if s.Stdin != nil {
		child.lend(s.Stdin)
	} else if err = child.null(); err != nil {
		return err
	}
	if s.Stdout != nil {
		child.lend(s.Stdout)
	} else if p.Stdout, err = child.output("stdout"); err != nil {
		return err
	}
	if p.Stderr, err = child.output("stderr"); err != nil {
		return err
	}
	for _, f := range s.Files {
		child.lend(f)
	}
	if p.line, err = newLifeline(); err != nil {
		return err
	}
	child.given = append(child.given, uintptr(p.line.theirs))
	return nil
}

// attr is a copy of the caller's attributes with ours. As the child becomes the leader of a session without terminal,
// whatever else moves it between groups, or takes a terminal from it, would fail.
func (s *Spec) attr(pidfd *int) *syscall.SysProcAttr {
	var a syscall.SysProcAttr
	if s.Attr != nil {
		a = *s.Attr
	}
	a.Setsid = true
	a.Setpgid, a.Pgid, a.Foreground, a.Noctty = false, 0, false, false
	s.attrOS(&a, pidfd)
	return &a
}

// abandon gives back what a failed start has opened.
func (p *Process) abandon() {
	for _, f := range []*os.File{p.Stdout, p.Stderr, p.leash} {
		if f != nil {
			f.Close()
		}
	}
	p.release()
}

// undo ends a process that was just started.
func (p *Process) undo() {
	syscall.Kill(-p.PID, syscall.SIGKILL)
	wait(p.PID)
	if p.watch >= 0 {
		syscall.Close(p.watch)
	}
}
