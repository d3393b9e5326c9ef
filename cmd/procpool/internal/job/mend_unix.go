//go:build unix

package job

import (
	"bytes"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// mend cuts off the end of a line that was torn when an earlier run was killed while it wrote: it was not logged, so it
// is printed again. It touches only regular files that are appended to.
func mend(f *os.File, end byte) error {
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() || info.Size() == 0 {
		return nil
	}
	flags, err := unix.FcntlInt(f.Fd(), unix.F_GETFL, 0)
	if err != nil || flags&unix.O_APPEND == 0 {
		return nil
	}
	r, err := os.OpenFile(fmt.Sprintf("/dev/fd/%d", f.Fd()), os.O_RDWR, 0)
	if err != nil {
		return nil // it may be written only; nothing can be done
	}
	defer r.Close()
	at, err := lastEnd(r, info.Size(), end)
	if err != nil || at == info.Size() {
		return err
	}
	return r.Truncate(at)
}

// lastEnd returns where the last whole line of a file ends.
func lastEnd(f *os.File, size int64, end byte) (int64, error) {
	buf := make([]byte, 64<<10)
	for size > 0 {
		n := min(size, int64(len(buf)))
		if _, err := f.ReadAt(buf[:n], size-n); err != nil {
			return 0, err
		}
		if i := bytes.LastIndexByte(buf[:n], end); i >= 0 {
			return size - n + int64(i) + 1, nil
		}
		size -= n
	}
	return 0, nil
}
