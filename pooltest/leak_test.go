package pooltest_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/procpool/procpool/pooltest"
)

// What Check finds is tested where it is made, in internal/leak; here, that a test which cleans up passes.
func TestCheck(t *testing.T) {
	pooltest.Check(t)
	f, err := os.Create(filepath.Join(os.TempDir(), "scratch"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		f.Close()
		os.Remove(f.Name())
	})
}
