package pooltest_test

import (
	"os"
	"testing"

	"github.com/procpool/procpool"
	"github.com/procpool/procpool/pooltest"
)

func TestMain(m *testing.M) {
	procpool.WorkerMain()
	os.Exit(pooltest.Verify(m))
}
