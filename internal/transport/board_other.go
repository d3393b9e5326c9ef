//go:build !linux && !darwin

package transport

import (
	"errors"
	"fmt"
	"os"
)

// NewBoard needs shared memory that this system does not offer here.
func NewBoard(int) (*Board, *os.File, error) { return nil, nil, errBoard }

// OpenBoard needs shared memory that this system does not offer here.
func OpenBoard(int) (*Board, error) { return nil, errBoard }

var errBoard = fmt.Errorf("process workers: %w", errors.ErrUnsupported)

func canFence() bool { return false }
func fence()         {}
