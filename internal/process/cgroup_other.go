//go:build !linux

package process

import (
	"errors"
	"fmt"
)

// Cgroup exists on Linux only.
type Cgroup struct{}

// NewCgroup always fails here.
func NewCgroup(uint64) (*Cgroup, error) {
	return nil, fmt.Errorf("cgroup: %w", errors.ErrUnsupported)
}

// confine does nothing: there is no Cgroup here.
func (s *Spec) confine() {}

// Events is never called: there is no Cgroup here.
func (c *Cgroup) Events() (oomKills uint64, err error) { return 0, errors.ErrUnsupported }

// Kill is never called: there is no Cgroup here.
func (c *Cgroup) Kill() error { return errors.ErrUnsupported }

// End is never called: there is no Cgroup here.
func (c *Cgroup) End() {}

// OOMKills is not known here.
func OOMKills() (n uint64, ok bool) { return 0, false }
