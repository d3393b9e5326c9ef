package procpool_test

import (
	"context"
	"errors"
	"io"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/procpool/procpool"
	"github.com/procpool/procpool/pooltest"
)

// crashZombie closes what the worker got from its pool and ends the first thread, while others go on.
var crashZombie = procpool.Define("crash.zombie", func(context.Context, int) (int, error) {
	var st syscall.Stat_t
	for fd := 3; fd < 256; fd++ {
		if syscall.Fstat(fd, &st) == nil && st.Mode&syscall.S_IFMT == syscall.S_IFIFO {
			syscall.Close(fd)
		}
	}
	for range 100 { // each has a thread of its own; one of them is the first
		go func() {
			runtime.LockOSThread()
			if syscall.Gettid() == syscall.Getpid() {
				syscall.Syscall(syscall.SYS_EXIT, 0, 0, 0)
			}
			select {}
		}()
	}
	select {}
})

// A worker that has closed its channel holds no memory that could be seen, but other threads of it live on: it is no zombie
// whose end would come by itself.
func TestZombieLeader(t *testing.T) {
	if testing.Short() {
		t.Skip("takes ten seconds")
	}
	pooltest.Check(t)
	ctx, done := context.WithTimeout(t.Context(), time.Minute)
	defer done()
	pool, err := procpool.New(procpool.Config{Processes: 1, Stderr: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Terminate()
	_, err = crashZombie.Apply(ctx, pool, 1)
	died, ok := errors.AsType[*procpool.WorkerError](err)
	if !ok || died.Cause != procpool.CauseProtocol || !strings.Contains(died.Error(), "it closed its channel") {
		t.Errorf("%v, want a protocol error", err)
	}
}
