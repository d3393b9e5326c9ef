//go:build linux || darwin

package pooltest

import (
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"syscall"
	"time"
)

// stopping is how long a process may run on after it has sent itself a signal.
const stopping = 50 * time.Millisecond

// actSystem does what needs the system. It reports whether the worker goes on.
func (t *tamper) actSystem(b Behaviour) bool {
	switch b {
	case Kill:
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
	case Segfault:
		syscall.Kill(os.Getpid(), syscall.SIGSEGV)
	case Stop:
		syscall.Kill(os.Getpid(), syscall.SIGSTOP)
		time.Sleep(stopping)
		return true
	case IgnoreTerm:
		signal.Ignore(syscall.SIGTERM)
	case Close:
		closeAll()
	case Leave:
		exec.Command("sh", "-c", "trap '' TERM; while :; do sleep 1; done").Start()
		os.Exit(1)
	case BadBoard:
		corrupt()
	}
	return false
}

// closeAll closes what the pool gave the worker: pipes and shared memory, wherever they have been moved. The rest is
// the runtime's, which could not go on without it.
func closeAll() {
	var st syscall.Stat_t
	for fd := 3; fd < 256; fd++ {
		if syscall.Fstat(fd, &st) != nil {
			continue
		}
		if kind := st.Mode & syscall.S_IFMT; kind == syscall.S_IFIFO || kind == syscall.S_IFREG {
			syscall.Close(fd)
		}
	}
}

// corrupt overwrites the whole board, from the words to the end of the rings.
func corrupt() {
	var st syscall.Stat_t
	if err := syscall.Fstat(fdBoard, &st); err != nil {
		panic("pooltest: no board: " + err.Error())
	}
	mem, err := syscall.Mmap(fdBoard, 0, int(st.Size), syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	if err != nil {
		panic("pooltest: map board of " + strconv.Itoa(int(st.Size)) + " bytes: " + err.Error())
	}
	for i := range mem {
		mem[i] = 0xff
	}
}
