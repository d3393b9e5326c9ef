package main

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/procpool/procpool/pooltest"
)

// Runs the program as a user would: ten tasks on two workers sleep for five seconds, and none of the four that it takes
// runs more than three. On a quiet machine they run three, three, two and two; on a busy one, where the first two may not
// start together, the last may be left with less.
func TestPython(t *testing.T) {
	pooltest.Check(t)
	program := filepath.Join(t.TempDir(), "python")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	start := time.Now()
	out, err := exec.Command(program).CombinedOutput()
	took := time.Since(start)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}

	tasks, perWorker := map[int]int{}, map[string]int{}
	for line := range strings.Lines(string(out)) {
		var worker string
		var n int
		if _, err := fmt.Sscanf(line, "Worker is %s with %d\n", &worker, &n); err != nil {
			t.Errorf("line %q: %v", line, err)
		}
		tasks[n]++
		perWorker[worker]++
	}
	for worker, n := range perWorker {
		if !strings.HasPrefix(worker, "PythonPoolWorker-") || n > 3 {
			t.Errorf("%s ran %d tasks", worker, n)
		}
	}
	if len(perWorker) != 4 {
		t.Errorf("tasks of each worker: %v, want four\n%s", perWorker, out)
	}
	for n := range 10 {
		if tasks[n] != 1 {
			t.Errorf("task %d ran %d times", n, tasks[n])
		}
	}
	if took < 5*time.Second || took > time.Minute {
		t.Errorf("took %v, want 5 s and what it takes to start", took)
	}
}
