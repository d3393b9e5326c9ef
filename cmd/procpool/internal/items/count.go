package items

import (
	"bytes"
	"io"
	"os"
)

// Count returns how many items an input has. It reads the files beside their reader, without moving it; ok is false for
// an input that can be read only once. For JSON it counts lines, which may be more.
func (s *Source) Count() (n int, ok bool) {
	for _, f := range s.files {
		more, ok := count(f, s.format.end())
		if !ok {
			return 0, false
		}
		n += more
	}
	return n, true
}

// Countable reports whether the length of the input can be known.
func (s *Source) Countable() bool {
	for _, f := range s.files {
		if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
			return false
		}
	}
	return true
}

func count(f *os.File, end byte) (n int, ok bool) {
	buf := make([]byte, 256<<10)
	last := end
	for at := int64(0); ; {
		got, err := f.ReadAt(buf, at)
		if got > 0 {
			n += bytes.Count(buf[:got], []byte{end})
			last = buf[got-1]
			at += int64(got)
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return 0, false
		}
	}
	if last != end {
		n++
	}
	return n, true
}
