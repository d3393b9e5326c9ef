//go:build linux || darwin

package process

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"syscall"
)

// lookPath returns the path to execute.
func (s *Spec) lookPath() (string, error) {
	if strings.Contains(s.Path, "/") {
		return s.Path, nil
	}
	path, err := exec.LookPath(s.Path)
	if errors.Is(err, exec.ErrNotFound) {
		return "", fmt.Errorf("%w in $PATH", fs.ErrNotExist)
	}
	if err != nil { // a program in the current directory: never taken silently
		return "", errors.Unwrap(err)
	}
	return path, nil
}

// explain tells which file the kernel's error is about: the kernel has one number for a missing program, a missing
// interpreter of an existing program, and a missing directory.
func (s *Spec) explain(path string, err error) error {
	if s.Attr != nil && s.Attr.Chroot != "" {
		return err // paths mean something else there
	}
	if s.Dir != "" {
		if info, dirErr := os.Stat(s.Dir); dirErr != nil {
			return &fs.PathError{Op: "chdir", Path: s.Dir, Err: errors.Unwrap(dirErr)}
		} else if !info.IsDir() {
			return &fs.PathError{Op: "chdir", Path: s.Dir, Err: syscall.ENOTDIR}
		}
		if !strings.HasPrefix(path, "/") {
			path = s.Dir + "/" + path
		}
	}
	if _, missing := os.Stat(path); err == syscall.ENOENT && missing == nil {
		return fmt.Errorf("%w: the file exists, its interpreter or loader does not", err)
	}
	return err
}
