//go:build !linux && !darwin

package transport

import "os"

// Pipe is a Conn over two pipes.
type Pipe struct{ Conn }

// NewPipe needs descriptors that a process inherits, which this system does not offer here.
func NewPipe() (*Pipe, []*os.File, error) { return nil, nil, errBoard }

// Pollable returns f.
func Pollable(f *os.File) *os.File { return f }
