package process

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
)

var pageSize = uint64(os.Getpagesize())

// Memory returns how many bytes of a process are resident now; 0 for a zombie.
func Memory(pid int) (uint64, error) {
	var buf [128]byte
	f := bytes.Fields(readProc(pid, "statm", buf[:]))
	if len(f) < 2 {
		return 0, fmt.Errorf("memory of process %d: %w", pid, os.ErrNotExist)
	}
	pages, err := strconv.ParseUint(string(f[1]), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("memory of process %d: %w", pid, err)
	}
	return pages * pageSize, nil
}
