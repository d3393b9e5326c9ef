//go:build unix

package python

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/procpool/procpool/internal/conform"
)

// interpreters returns every Python of the machine that the module supports, the newest first; in short tests the newest
// and the oldest.
func interpreters(t testing.TB) []string {
	found := findInterpreters()
	switch n := len(found); {
	case n == 0:
		t.Skip("there is no Python 3.8 or later on this machine")
	case n > 2 && testing.Short():
		return []string{found[0], found[n-1]}
	}
	return found
}

var findInterpreters = sync.OnceValue(func() (found []string) {
	home, _ := os.UserHomeDir()
	candidates, _ := filepath.Glob(filepath.Join(home, ".pyenv/versions/*/bin/python3"))
	minor := map[string]int{}
	for _, path := range append(candidates, "python3") {
		out, err := exec.Command(path, "-c", "import sys; print(sys.version_info[1], sys.executable); sys.exit(sys.version_info < (3, 8))").Output()
		version, real, _ := strings.Cut(strings.TrimSpace(string(out)), " ")
		if err == nil && !slices.Contains(found, real) {
			found = append(found, real)
			minor[real], _ = strconv.Atoi(version)
		}
	}
	slices.SortStableFunc(found, func(a, b string) int { return minor[b] - minor[a] })
	return found
})

func TestConform(t *testing.T) {
	for _, python := range interpreters(t) {
		t.Run(python, func(t *testing.T) {
			path, args, err := command(Options{Script: "testdata/conform.py", Python: python})
			if err != nil {
				t.Fatal(err)
			}
			report := conform.Run(t.Context(), path, args, conform.Options{FixHints: true, Patience: 15 * time.Second})
			if !report.OK() || slices.ContainsFunc(report.Checks, func(c conform.Check) bool { return c.Skipped != "" }) {
				t.Errorf("\n%v", report)
			}
		})
	}
}
