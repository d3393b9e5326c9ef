//go:build unix

package python

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/procpool/procpool"
)

func newPool(t testing.TB, cfg procpool.Config, o Options) *procpool.Pool {
	t.Helper()
	if o.Python == "" {
		o.Python = interpreters(t)[0]
	}
	cfg.StartMethod = Worker(o)
	pool, err := procpool.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Terminate)
	return pool
}

func TestPool(t *testing.T) {
	file := filepath.Join(t.TempDir(), "job.py")
	if err := os.WriteFile(file, []byte(square), 0o600); err != nil {
		t.Fatal(err)
	}
	pool := newPool(t, procpool.Config{Processes: 2, MaxTasksPerChild: 3}, Options{Function: file + ":square"})
	got, err := procpool.Declare[int, int]("square").Map(t.Context(), pool, []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10})
	if err != nil || !slices.Equal(got, []int{1, 4, 9, 16, 25, 36, 49, 64, 81, 100}) {
		t.Errorf("got %v, %v", got, err)
	}
	for _, w := range pool.Workers() {
		if !strings.HasPrefix(w.Name, "PythonPoolWorker-") {
			t.Errorf("a worker is named %s", w.Name)
		}
	}
	_, err = procpool.Declare[int, int]("cube").Apply(t.Context(), pool, 2)
	if !errors.Is(err, procpool.ErrUnknownTask) {
		t.Errorf("an unknown task: %v", err)
	}
	pool.Close()
	if err := pool.Join(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestPoolErrors(t *testing.T) {
	pool := newPool(t, procpool.Config{Processes: 1}, script(t, program))
	run := procpool.Declare[string, any]("run")

	var failed *procpool.TaskError
	if _, err := run.Apply(t.Context(), pool, "raise KeyError('x')"); !errors.As(err, &failed) || failed.Type != "KeyError" || !strings.Contains(failed.Stack, "Traceback") {
		t.Errorf("an exception: %v", err)
	}
	for code, cause := range map[string]procpool.Cause{
		"sys.exit(3)": procpool.CauseExited, "os.abort()": procpool.CauseCrashed, "ctypes.string_at(0)": procpool.CauseCrashed,
		"os.kill(os.getpid(), signal.SIGKILL)": procpool.CauseKilledOutside,
	} {
		var died *procpool.WorkerError
		if _, err := run.Apply(t.Context(), pool, code); !errors.As(err, &died) || died.Cause != cause {
			t.Errorf("%s: %v", code, err)
		}
	}
	slow := run.With(procpool.CallOptions{Timeout: 50 * time.Millisecond})
	if _, err := slow.Apply(t.Context(), pool, "time.sleep(60)"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a timeout: %v", err)
	}
	if _, err := run.Apply(t.Context(), pool, "result = 1"); err != nil {
		t.Error(err)
	}
}
