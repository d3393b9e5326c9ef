//go:build linux || darwin

package process

import (
	"fmt"
	"os"
	"syscall"
)

// descriptors are what a child gets, in order. They stay plain numbers: the child's ends never need the poller.
type descriptors struct {
	given []uintptr
	own   []int // those of given that are to be closed here once the child has them
}

func (d *descriptors) lend(f *os.File) { d.given = append(d.given, f.Fd()) }

func (d *descriptors) add(fd int) {
	d.given = append(d.given, uintptr(fd))
	d.own = append(d.own, fd)
}

func (d *descriptors) null() error {
	fd, err := syscall.Open(os.DevNull, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open %s: %w", os.DevNull, err)
	}
	d.add(fd)
	return nil
}

// output gives the child the write end of a pipe and returns the read end. Only the read end is nonblocking: programs
// take their standard output for blocking.
func (d *descriptors) output(name string) (*os.File, error) {
	r, w, err := pipe()
	if err != nil {
		return nil, fmt.Errorf("pipe for %s: %w", name, err)
	}
	d.add(w)
	syscall.SetNonblock(r, true)
	return os.NewFile(uintptr(r), name), nil
}

func (d *descriptors) close() {
	for _, fd := range d.own {
		syscall.Close(fd)
	}
}
