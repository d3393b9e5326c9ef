package pooltest_test

import (
	"os"
	"testing"

	"github.com/procpool/procpool"
	"github.com/procpool/procpool/pooltest"
)

// A worker built with the race detector would take a second to exit.
func init() { os.Setenv("GORACE", "atexit_sleep_ms=0") }

func TestMain(m *testing.M) {
	procpool.WorkerMain()
	os.Exit(pooltest.Verify(m))
}
