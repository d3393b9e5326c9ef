//go:build !unix

package supervisor

import (
	"errors"
)

func syscallRead(int, []byte) (int, error) { return 0, errors.ErrUnsupported }
