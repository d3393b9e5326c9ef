//go:build !linux && !darwin

package process

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

type lifeline struct{}

// Start needs process groups and inherited descriptors, which this system lacks.
func Start(spec Spec) (*Process, error) {
	return nil, &fs.PathError{Op: "start", Path: spec.Path, Err: errors.ErrUnsupported}
}

func (p *Process) reap() {}

func (p *Process) signal(int, syscall.Signal) error { return os.ErrProcessDone }

// Memory is not offered here.
func Memory(pid int) (uint64, error) {
	return 0, fmt.Errorf("memory of process %d: %w", pid, errors.ErrUnsupported)
}
