package transport

import "golang.org/x/sys/unix"

// growPipe asks for more room. The system may refuse: a user's pipes share one limit.
func growPipe(fd int) {
	unix.FcntlInt(uintptr(fd), unix.F_SETPIPE_SZ, 1<<20)
}
