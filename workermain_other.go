//go:build !linux && !darwin

package procpool

import (
	"errors"
	"fmt"
)

func serve(string) error { return fmt.Errorf("worker processes: %w", errors.ErrUnsupported) }
