package transport

import (
	"time"

	"golang.org/x/sys/unix"
)

// growPipe asks for more room. The system may refuse: a user's pipes share one limit.
func growPipe(fd int) {
	unix.FcntlInt(uintptr(fd), unix.F_SETPIPE_SZ, 1<<20)
}

// awaitInput blocks the thread until there is something to read, or the time is over.
func awaitInput(fd int, atMost time.Duration) {
	timeout := unix.NsecToTimespec(int64(atMost))
	unix.Ppoll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, &timeout, nil)
}
