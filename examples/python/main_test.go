package main

import (
	"fmt"
	"maps"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/procpool/procpool/pooltest"
)

// Runs the program as a user would: ten tasks on two workers sleep for five seconds. Two more are allowed for starting
// four processes on a busy machine.
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
	want := map[string]int{"PythonPoolWorker-1": 3, "PythonPoolWorker-2": 3, "PythonPoolWorker-3": 2, "PythonPoolWorker-4": 2}
	if !maps.Equal(perWorker, want) {
		t.Errorf("tasks of each worker: %v, want %v\n%s", perWorker, want, out)
	}
	for n := range 10 {
		if tasks[n] != 1 {
			t.Errorf("task %d ran %d times", n, tasks[n])
		}
	}
	if took < 5*time.Second || took > 7*time.Second {
		t.Errorf("took %v, want 5 s and a little", took)
	}
}
