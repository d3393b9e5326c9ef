//go:build linux || darwin

package process

import (
	"fmt"
	"syscall"
)

// lifeline has two ends, through which nothing is ever said. The child has theirs, this process holds ours until the child
// is reaped. When this process ends, even by SIGKILL, the kernel closes ours, and theirs tells.
//
// On Linux nobody needs to look: see lifeline_linux.go. Elsewhere no signal can be chosen for a descriptor, and the child
// has to look.
type lifeline struct {
	ours, theirs int
	open         bool
	handed       bool // theirs is closed here
}

func newLifeline() (l lifeline, err error) {
	if l.ours, l.theirs, err = ends(); err != nil {
		return l, fmt.Errorf("lifeline: %w", err)
	}
	l.open = true
	return l, l.prepare()
}

// hand leaves their end to the child.
func (l *lifeline) hand() {
	syscall.Close(l.theirs)
	l.handed = true
}

// close cuts the line; on Linux that kills what is left of the group.
func (l *lifeline) close() {
	if !l.open {
		return
	}
	l.open = false
	syscall.Close(l.ours)
	if !l.handed {
		l.hand()
	}
}
