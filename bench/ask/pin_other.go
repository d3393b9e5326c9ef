//go:build !linux

package ask

import (
	"errors"
	"fmt"
)

func pin([]int) (release func(), err error) {
	return nil, fmt.Errorf("keeping a process on one processor: %w", errors.ErrUnsupported)
}
