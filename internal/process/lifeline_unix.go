//go:build linux || darwin

package process

import (
	"fmt"
	"syscall"
)

// lifeline is a pipe through which nothing is ever written. The child has its read end, this process holds the write end
// until the child is reaped. When this process ends, even by SIGKILL, the kernel closes the write end, and the child sees
// the end of the file.
//
// On Linux nobody needs to look: see lifeline_linux.go. Elsewhere no signal can be chosen for a descriptor, and the child has to look.
type lifeline struct {
	read, write int
	open        bool
}

func newLifeline() (l lifeline, err error) {
	if l.read, l.write, err = pipe(); err != nil {
		return l, fmt.Errorf("pipe for the lifeline: %w", err)
	}
	l.open = true
	return l, l.prepare()
}

// close cuts the line; on Linux that kills what is left of the group.
func (l *lifeline) close() {
	if !l.open {
		return
	}
	syscall.Close(l.write)
	syscall.Close(l.read)
	l.open = false
}
