//go:build !unix

// Package ask finds out which tasks a worker program has.
package ask

import "errors"

// Tasks cannot be asked for where there are no worker processes.
func Tasks(string, []string) ([]string, error) { return nil, errors.ErrUnsupported }
