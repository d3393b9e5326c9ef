package procpool_test

import (
	"os"
	"testing"

	"github.com/procpool/procpool"
	"github.com/procpool/procpool/pooltest"
)

// TestMain makes the test binary its own worker program, and checks that the tests left nothing behind.
func TestMain(m *testing.M) {
	procpool.WorkerMain()
	os.Exit(pooltest.Verify(m))
}
