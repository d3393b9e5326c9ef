//go:build cgo

package main

// #include <stdlib.h>
// #include <string.h>
import "C"

import (
	"context"
	"errors"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/procpool/procpool"
)

// leaky works for a little, and forgets to free what it took for that. It returns what its process then holds.
var leaky = procpool.Define("leaky", func(_ context.Context, bytes int) (held, error) {
	p := C.malloc(C.size_t(bytes))
	if p == nil {
		return held{}, errors.New("malloc: out of memory")
	}
	C.memset(p, 1, C.size_t(bytes)) // only what was touched is resident
	time.Sleep(5 * time.Millisecond)
	return resident()
})

// held is how much memory a process holds.
type held struct {
	PID   int
	Bytes uint64
}

func resident() (held, error) {
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return held{}, err
	}
	pages, err := strconv.ParseUint(strings.Fields(string(statm))[1], 10, 64)
	return held{os.Getpid(), pages * uint64(os.Getpagesize())}, err
}
