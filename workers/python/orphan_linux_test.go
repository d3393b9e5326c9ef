package python

import (
	"context"
	"io"
	"os"
	"testing"
	"time"

	"github.com/procpool/procpool"
	"github.com/procpool/procpool/internal/orphan"
	"github.com/procpool/procpool/pooltest"
)

// orphanProgram starts, as soon as it runs and in each task, what knows nothing of the pool and does not end by itself.
const orphanProgram = `
import subprocess, time, procpool

def family():
    subprocess.Popen(["sh", "-c", "trap '' TERM HUP; sleep 1000"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)

family()

@procpool.task
def work(n):
    family()
    time.sleep(n % 3 / 100)

procpool.serve()
`

// TestOrphanParent is no test but the parent: its workers are replaced all the time, so that it mostly dies while it forks.
func TestOrphanParent(t *testing.T) {
	if !orphan.Parent() {
		t.Skip("runs in a process of its own: see TestNoOrphans")
	}
	orphan.Begun()
	o := script(t, orphanProgram)
	o.Python = os.Getenv(parentWith)
	pool := newPool(t, procpool.Config{Processes: 3, MaxTasksPerChild: 2, Stderr: io.Discard}, o)
	work := procpool.Declare[int, any]("work")
	for i := 0; ; i++ {
		work.Map(context.Background(), pool, []int{i, i + 1, i + 2, i + 3, i + 4, i + 5})
	}
}

// When the pool's process is killed, at whatever moment, its workers and all that they started are gone soon.
func TestNoOrphans(t *testing.T) {
	pooltest.Check(t)
	t.Setenv(parentWith, interpreters(t)[0]) // which it finds by starting others
	orphan.Hunt(t, "TestOrphanParent", 10, time.Second)
}
