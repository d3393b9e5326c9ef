//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package resume

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// lock keeps other runs off a log: two that write one log would each take the other's items for lost. The kernel lifts it
// when the process ends, however that comes about. A file system that has no locks is taken as it is.
func lock(f *os.File) error {
	if errors.Is(unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB), unix.EWOULDBLOCK) {
		return errors.New("another run is writing it: wait for its end, or name another log")
	}
	return nil
}
