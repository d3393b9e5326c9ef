// Package c tests the example of a worker in plain C.
package c

import (
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/procpool/procpool/internal/conform"
)

func TestConform(t *testing.T) {
	cc, err := exec.LookPath("gcc")
	if err != nil {
		t.Skip("there is no gcc on this machine")
	}
	worker := filepath.Join(t.TempDir(), "worker")
	out, err := exec.Command(cc, "-std=c11", "-O2", "-Wall", "-Wextra", "-Werror", "-Wno-sign-compare", "-o", worker, "worker.c", "-lm").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	report := conform.Run(t.Context(), worker, nil, conform.Options{FixHints: true})
	for _, c := range report.Checks {
		if c.Err != nil || c.Skipped != "" {
			t.Fatalf("\n%v", report)
		}
	}
}
