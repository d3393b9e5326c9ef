//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package resume

import (
	"path/filepath"
	"strings"
	"testing"
)

// A log has one writer at a time, and is as it was for whoever is turned away.
func TestOneWriter(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	first, err := Open(path, true)
	if err != nil {
		t.Fatal(err)
	}
	write(t, first, 0, "a", false)
	for _, goOn := range []bool{true, false} {
		if _, err := Open(path, goOn); err == nil || !strings.Contains(err.Error(), "another run is writing it") {
			t.Errorf("a second writer was let in: %v", err)
		}
	}
	write(t, first, 1, "b", false)
	first.Close()
	second, err := Open(path, true)
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	if n := second.Done().Len(); n != 2 {
		t.Errorf("the log holds %d items, want 2", n)
	}
}
