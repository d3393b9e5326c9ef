package items

import (
	"io"
	"os"
	"path/filepath"
)

// Overflow is the text of an item that is too long to be held in memory. It is in a file without a name.
type Overflow struct {
	f    *os.File
	size int64
}

// overflow begins one with what was read until now; nil if nobody wants it.
func (s *Source) overflow(text string) (*Overflow, error) {
	if s.Spill == "" {
		return nil, nil
	}
	f, err := os.CreateTemp(s.Spill, ".procpool-*")
	if err != nil {
		return nil, err
	}
	os.Remove(f.Name())
	o := &Overflow{f: f}
	return o, o.add([]byte(text))
}

func (o *Overflow) add(part []byte) error {
	if o == nil {
		return nil
	}
	n, err := o.f.Write(part)
	o.size += int64(n)
	return err
}

// WriteTo copies the text, and lets go of it.
func (o *Overflow) WriteTo(w io.Writer) (int64, error) {
	defer o.f.Close()
	return io.Copy(w, io.NewSectionReader(o.f, 0, o.size))
}

// SpillBeside returns where a file's overflows go: to its directory, which has the room that they will take in it anyway.
func SpillBeside(f *os.File) string {
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return os.TempDir()
	}
	return filepath.Dir(f.Name())
}
