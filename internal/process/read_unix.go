//go:build unix

package process

import (
	"io"
	"os"
	"syscall"
)

// ErrNothing is returned by ReadNow when there is nothing to read yet.
var ErrNothing error = syscall.EAGAIN

// ReadNow reads what a nonblocking file has, whatever its deadline says. It returns ErrNothing instead of waiting, and
// io.EOF at the end.
func ReadNow(f *os.File, p []byte) (n int, err error) {
	raw, err := f.SyscallConn()
	if err != nil {
		return 0, err
	}
	if e := raw.Control(func(fd uintptr) { n, err = ReadFD(fd, p) }); e != nil {
		return 0, e
	}
	return n, err
}

// ReadFD is ReadNow for a descriptor.
func ReadFD(fd uintptr, p []byte) (int, error) {
	for {
		n, err := syscall.Read(int(fd), p)
		switch {
		case err == syscall.EINTR:
			continue
		case err != nil:
			return 0, err
		case n == 0:
			return 0, io.EOF
		}
		return n, nil
	}
}
