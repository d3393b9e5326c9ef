//go:build unix

package main

import (
	"os"
	"testing"

	"github.com/procpool/procpool"
	"github.com/procpool/procpool/internal/leak"
)

// TestMain makes the test binary its own worker program.
func TestMain(m *testing.M) {
	procpool.WorkerMain()
	os.Exit(leak.Verify(m))
}

// TestSoak is the soak in small. `go run ./internal/chaos` is the long form.
func TestSoak(t *testing.T) {
	s := soak{tasks: 12_000, seed: 4, only: -1, patience: patience, out: t.Output()}
	if testing.Short() {
		s.tasks = 4000
	}
	if n := s.run(); n > 0 {
		t.Errorf("%d violations; the same schedule again: go run ./internal/chaos -tasks %d -seed %d", n, s.tasks, s.seed)
	}
}
