package procpool_test

import (
	"context"
	"io"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/procpool/procpool"
	"github.com/procpool/procpool/internal/orphan"
	"github.com/procpool/procpool/pooltest"
)

var orphanTasks = []procpool.Task[int, int]{
	procpool.Define("orphan.busy", func(context.Context, int) (int, error) {
		//lint:ignore SA5002 it is to spin
		for {
		}
	}),
	procpool.Define("orphan.stopped", func(context.Context, int) (int, error) {
		syscall.Kill(os.Getpid(), syscall.SIGSTOP)
		select {}
	}),
	procpool.Define("orphan.family", func(context.Context, int) (int, error) {
		return 0, exec.Command("sh", "-c", "trap '' TERM HUP; sleep 1000 & sleep 1000").Run()
	}),
	procpool.Define("orphan.quick", func(_ context.Context, n int) (int, error) { return n, nil }),
	procpool.Define("orphan.deaf", func(ctx context.Context, n int) (int, error) {
		syscall.Close(3)
		syscall.Close(4)
		select {}
	}),
}

// TestOrphanParent is no test but the parent: it starts a pool, gives it all kinds of work, and waits to be killed.
func TestOrphanParent(t *testing.T) {
	if !orphan.Parent() {
		t.Skip("runs in a process of its own: see TestNoOrphans")
	}
	orphan.Begun()
	ctx := context.Background()
	for {
		pool, err := procpool.New(procpool.Config{Processes: 5, MaxTasksPerChild: 2, Stdout: io.Discard, Stderr: io.Discard})
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			for i, task := range orphanTasks {
				task.ApplyAsync(ctx, pool, i)
			}
		}
		short, done := context.WithTimeout(ctx, time.Second)
		orphanTasks[0].ApplyAsync(ctx, pool, 1).Wait(short)
		done()
		pool.Terminate()
	}
}

// TestNoOrphans kills a pool's process at random moments, and waits for the end of all its family.
func TestNoOrphans(t *testing.T) {
	pooltest.Check(t)
	orphan.Hunt(t, "TestOrphanParent", 30, 400*time.Millisecond)
}

// orphanFilter has heard of no pool. It answers, but what it starts first keeps nothing that the pool gave it, ignores
// what can be ignored, and does not end by itself.
const orphanFilter = `(trap '' TERM HUP; exec sleep 1000 <&- >&- 2>&- 3<&- 4<&-) & exec cat`

// TestOrphanFilterParent is no test but the parent.
func TestOrphanFilterParent(t *testing.T) {
	orphanMapping(t, "line", procpool.Lines("sh", "-c", orphanFilter))
}

// orphanWrapper starts the same, and then becomes a worker.
const orphanWrapper = `(trap '' TERM HUP; exec sleep 1000 <&- >&- 2>&- 3<&- 4<&- 5<&- 6<&-) & exec "$0"`

// TestOrphanCommandParent is no test but the parent.
func TestOrphanCommandParent(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	orphanMapping(t, "orphan.line", procpool.Command("sh", "-c", orphanWrapper, self))
}

var _ = procpool.Define("orphan.line", func(_ context.Context, line string) (string, error) { return line, nil })

// orphanMapping maps without end. Its workers are replaced as fast as can be, so that it mostly dies while it forks.
func orphanMapping(t *testing.T, task string, workers procpool.StartMethod) {
	if !orphan.Parent() {
		t.Skip("runs in a process of its own, which is killed")
	}
	orphan.Begun()
	pool, err := procpool.New(procpool.Config{Processes: 3, MaxTasksPerChild: 2, StartMethod: workers, Stderr: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	for {
		procpool.Declare[string, string](task).Map(context.Background(), pool, make([]string, 100))
	}
}

// The same with programs that know nothing of pools.
func TestNoOrphansOfFilters(t *testing.T) {
	pooltest.Check(t)
	orphan.Hunt(t, "TestOrphanFilterParent", 10, 200*time.Millisecond)
}

// And with programs that become a worker late.
func TestNoOrphansOfCommands(t *testing.T) {
	pooltest.Check(t)
	orphan.Hunt(t, "TestOrphanCommandParent", 10, 200*time.Millisecond)
}
