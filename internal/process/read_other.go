//go:build !unix

package process

import (
	"errors"
	"os"
)

// ErrNothing is never returned here.
var ErrNothing = errors.New("nothing to read")

// ReadNow is not supported here.
func ReadNow(*os.File, []byte) (int, error) { return 0, errors.ErrUnsupported }

// ReadFD is not supported here.
func ReadFD(uintptr, []byte) (int, error) { return 0, errors.ErrUnsupported }
