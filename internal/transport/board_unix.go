//go:build linux || darwin

package transport

import (
	"bytes"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

func mapBoard(f *os.File, size int) (*Board, error) {
	if err := f.Truncate(int64(size)); err != nil {
		return nil, err
	}
	return attach(int(f.Fd()), size)
}

// OpenBoard is the worker's side: it maps the board it was given on descriptor fd.
func OpenBoard(fd int) (*Board, error) {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return nil, fmt.Errorf("descriptor %d: %w", fd, err)
	}
	if st.Size < ringsAt {
		return nil, fmt.Errorf("descriptor %d is no board: %d bytes", fd, st.Size)
	}
	return attach(fd, int(st.Size))
}

func attach(fd, size int) (*Board, error) {
	mem, err := unix.Mmap(fd, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map shared memory: %w", err)
	}
	b := &Board{mem: mem, close: func() error { return unix.Munmap(mem) }}
	b.crash = func() []byte {
		text := mem[boardPage:ringsAt]
		if end := bytes.IndexByte(text, 0); end >= 0 {
			text = text[:end]
		}
		return bytes.Clone(text)
	}
	return b, nil
}
