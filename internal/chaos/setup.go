//go:build unix

package main

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/procpool/procpool"
)

// setup is what a worker is told before its first task.
type setup struct {
	Path  string  // of the marks; empty: they are here
	Size  int     // of the marks, in bytes
	Fails float64 // how often the initializer fails
	Slow  int     // milliseconds that it may take
}

var initializer = procpool.DefineInitializer("chaos.setup", func(_ context.Context, s setup) (func(), error) {
	if s.Slow > 0 {
		time.Sleep(time.Duration(rand.IntN(s.Slow*1000)) * time.Microsecond)
	}
	if rand.Float64() < s.Fails {
		return nil, errors.New("not today")
	}
	if s.Path == "" {
		return nil, nil
	}
	f, err := os.OpenFile(s.Path, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	_, err = mapMarks(f, s.Size)
	return nil, err
})

// mapMarks sets marks. It returns their memory.
func mapMarks(f *os.File, size int) (mem []byte, err error) {
	mem, err = unix.Mmap(int(f.Fd()), 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, err
	}
	m := unsafe.Slice((*uint32)(unsafe.Pointer(&mem[0])), size/4)
	marks.Store(&m)
	return mem, nil
}

// makeMarks makes the marks of a round. What it returns removes them.
func makeMarks(tasks int) (path string, size int, remove func(), err error) {
	f, err := os.CreateTemp("", "chaos-marks")
	if err != nil {
		return "", 0, nil, err
	}
	defer f.Close()
	size = (tasks + 7) &^ 3
	var mem []byte
	if err = f.Truncate(int64(size)); err == nil {
		mem, err = mapMarks(f, size)
	}
	if err != nil {
		os.Remove(f.Name())
		return "", 0, nil, err
	}
	return f.Name(), size, func() { unix.Munmap(mem); os.Remove(f.Name()) }, nil
}
