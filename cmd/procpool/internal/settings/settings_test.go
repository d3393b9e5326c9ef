package settings

import (
	"strings"
	"testing"
	"time"

	"github.com/procpool/procpool"
)

func TestFlags(t *testing.T) {
	var p Pool
	err := p.Flags().Parse(strings.Fields(`--processes 3 --max-tasks-per-child 4 --jitter 0.5 --max-memory 512MiB
		--hard-memory 2GB --max-age 1h --timeout 1.5s --grace 2 --retries 1 --fail-fast --window 9 --env A=1 --env B=2`))
	if err != nil {
		t.Fatal(err)
	}
	c := p.Config
	if c.Processes != 3 || c.MaxTasksPerChild != 4 || c.Recycle.Jitter != 0.5 || c.Recycle.Memory != 512<<20 ||
		c.Recycle.HardMemory != 2e9 || c.Recycle.Age != time.Hour || c.Grace != 2*time.Second || len(c.Env) != 2 {
		t.Errorf("got %+v", c)
	}
	want := procpool.CallOptions{Timeout: 1500 * time.Millisecond, Retries: 1, FailFast: true, Window: 9}
	if got := p.Call; got.Timeout != want.Timeout || got.Retries != 1 || !got.FailFast || got.Window != 9 {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestWhatIsNoSetting(t *testing.T) {
	for args, want := range map[string]string{
		"--max-memory lots": "write 512MiB", "--timeout soon": "write 1.5s", "--processes x": "invalid argument",
	} {
		var p Pool
		if err := p.Flags().Parse(strings.Fields(args)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q in it", args, err, want)
		}
	}
}

// A flag beats its variable.
func TestEnvironment(t *testing.T) {
	t.Setenv("PROCPOOL_MAX_TASKS_PER_CHILD", "7")
	t.Setenv("PROCPOOL_PROCESSES", "7")
	var p Pool
	f := p.Flags()
	if err := f.Parse([]string{"--processes", "2"}); err != nil {
		t.Fatal(err)
	}
	if err := FromEnvironment(f); err != nil || p.Config.MaxTasksPerChild != 7 || p.Config.Processes != 2 {
		t.Errorf("got %+v, %v", p.Config, err)
	}
	t.Setenv("PROCPOOL_TIMEOUT", "soon")
	if err := FromEnvironment(f); err == nil || !strings.Contains(err.Error(), "PROCPOOL_TIMEOUT") {
		t.Errorf("got %v, want the name of the variable", err)
	}
}
