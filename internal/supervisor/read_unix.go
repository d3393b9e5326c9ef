//go:build unix

package supervisor

import "syscall"

func syscallRead(fd int, p []byte) (int, error) { return syscall.Read(fd, p) }
