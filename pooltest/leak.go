package pooltest

import (
	"testing"

	"github.com/procpool/procpool/internal/leak"
)

// Check makes t fail if, once it and its subtests are done, something is left that was not there when Check was called:
// a goroutine, a file in the temporary directory, and on Linux a descriptor, shared memory, a child process, a zombie, any
// other descendant, or dozens of threads. It waits up to five seconds for what is about to end.
//
// Call it first, so that the test's other cleanups run before it looks. For the length of the test TMPDIR is an empty
// directory of its own; therefore Check panics in a parallel test. Call it outside of a synctest bubble.
func Check(t testing.TB) {
	t.Helper()
	leak.Check(t)
}

// Verify runs the tests of m, checks like [Check] over all of them, and returns the exit code:
//
//	func TestMain(m *testing.M) {
//		procpool.WorkerMain()
//		os.Exit(pooltest.Verify(m))
//	}
func Verify(m *testing.M) int { return leak.Verify(m) }
