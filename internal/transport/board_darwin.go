package transport

import (
	"fmt"
	"os"
)

// NewBoard makes a board in an unlinked file; rings are not offered here. Unlike a sealed memfd, such a file can be shrunk
// by a hostile worker, which the pool would notice as a fault: run untrusted programs on Linux.
func NewBoard(int) (*Board, *os.File, error) {
	f, err := os.CreateTemp("", "procpool-board-")
	if err != nil {
		return nil, nil, fmt.Errorf("create board: %w", err)
	}
	os.Remove(f.Name())
	b, err := mapBoard(f, ringsAt)
	if err == nil {
		_, err = f.Seek(boardPage, 0)
	}
	if err != nil {
		if b != nil {
			b.Close()
		}
		f.Close()
		return nil, nil, fmt.Errorf("set up board: %w", err)
	}
	return b, f, nil
}

func canFence() bool { return false }
func fence()         {}
