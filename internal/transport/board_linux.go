package transport

import (
	"fmt"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// NewBoard makes a board, with room for two rings of ringSize bytes each (0: none), and the file that the worker gets.
// The caller closes the file once the worker has it. The size is sealed: a worker can neither shrink the file, which
// would make the pool fault on its own memory, nor fill the machine's memory by writing past its end.
func NewBoard(ringSize int) (*Board, *os.File, error) {
	fd, err := unix.MemfdCreate("procpool", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return nil, nil, fmt.Errorf("create shared memory: %w", err)
	}
	f := os.NewFile(uintptr(fd), "procpool-board")
	size := ringsAt + 2*ringSize
	b, err := mapBoard(f, size)
	if err == nil {
		_, err = unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, unix.F_SEAL_SHRINK|unix.F_SEAL_GROW|unix.F_SEAL_SEAL)
	}
	if err == nil {
		_, err = f.Seek(boardPage, 0) // the worker's writes to the descriptor are crash text
	}
	if err != nil {
		if b != nil {
			b.Close()
		}
		f.Close()
		return nil, nil, fmt.Errorf("set up shared memory: %w", err)
	}
	return b, f, nil
}

// canFence reports whether the kernel has membarrier(2), the barrier on every running thread of the machine.
var canFence = sync.OnceValue(func() bool {
	const query, global = 0, 1
	mask, _, errno := unix.Syscall(unix.SYS_MEMBARRIER, query, 0, 0)
	return errno == 0 && mask&global != 0
})

// fence makes every store of any worker that came before it visible here, and every store of ours before it visible to
// any load of a worker after it. It takes milliseconds, and is needed only when calls are taken back.
func fence() {
	const global = 1
	unix.Syscall(unix.SYS_MEMBARRIER, global, 0, 0)
}
