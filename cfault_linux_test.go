package procpool_test

import (
	"context"
	"errors"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/procpool/procpool"
	"github.com/procpool/procpool/pooltest"
)

// A fault in C ends a Go program with exit code 2, whatever it was. The text that the runtime wrote about it tells the
// signal.
func TestFaultInC(t *testing.T) {
	pooltest.Check(t)
	program := filepath.Join(t.TempDir(), "cfault")
	build := exec.Command("go", "build", "-o", program, "./testdata/cfault")
	build.Env = append(build.Environ(), "CGO_ENABLED=1")
	if out, err := build.CombinedOutput(); err != nil {
		if _, missing := exec.LookPath("gcc"); missing != nil {
			t.Skip("needs a C compiler")
		}
		t.Fatalf("%v\n%s", err, out)
	}
	ctx, done := context.WithTimeout(t.Context(), time.Minute)
	defer done()
	pool, err := procpool.New(procpool.Config{Processes: 1, StartMethod: procpool.Command(program), Stderr: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Terminate()
	for name, sig := range map[string]syscall.Signal{"segv": syscall.SIGSEGV, "abort": syscall.SIGABRT, "fpe": syscall.SIGFPE} {
		_, err := procpool.Declare[int, int](name).Apply(ctx, pool, 1)
		died, ok := errors.AsType[*procpool.WorkerError](err)
		if !ok {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if died.Cause != procpool.CauseCrashed || died.Signal != sig || died.ExitCode != 2 {
			t.Errorf("%s: %v, signal %v, exit code %d", name, died.Cause, died.Signal, died.ExitCode)
		}
		if !strings.Contains(died.Stderr, "goroutine") {
			t.Errorf("%s: stderr is %q", name, died.Stderr)
		}
	}
	if v, err := procpool.Declare[int, int]("fine").Apply(ctx, pool, 7); v != 7 || err != nil {
		t.Error(v, err)
	}
}
