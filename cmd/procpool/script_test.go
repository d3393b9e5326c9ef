package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/procpool/procpool"
)

// asCommand is the variable that makes the test program the command.
const asCommand = "PROCPOOL_TEST_AS_COMMAND"

func TestMain(m *testing.M) {
	procpool.WorkerMain()
	if os.Getenv(asCommand) != "" {
		os.Unsetenv(asCommand)
		os.Exit(execute(os.Args[1:]))
	}
	testscript.Main(m, map[string]func(){"procpool": main})
}

// The scripts read like the manual: one for each promise.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			// Python may be found through shims that want a home.
			env.Setenv("HOME", os.Getenv("HOME"))
			env.Setenv("PYTHONDONTWRITEBYTECODE", "1")
			repository, err := filepath.Abs("../..")
			env.Setenv("REPOSITORY", repository)
			return err
		},
	})
}

// A help text fits a terminal of 24 lines and 80 columns, and begins with examples.
func TestHelpFits(t *testing.T) {
	for _, text := range []string{mapHelp, rootHelp} {
		lines := strings.Split(strings.TrimSpace(text), "\n")
		if len(lines) > 23 {
			t.Errorf("%d lines: %s", len(lines), lines[0])
		}
		for _, l := range lines {
			if len(l) > 80 {
				t.Errorf("%d columns: %s", len(l), l)
			}
		}
		if !strings.HasPrefix(lines[2], "  procpool ") {
			t.Errorf("no example comes first: %s", lines[2])
		}
	}
}
