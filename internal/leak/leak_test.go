package leak

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// fake is a test whose failures are looked at.
type fake struct {
	testing.TB
	cleanups []func()
	errors   []string
}

func (f *fake) Cleanup(fn func()) { f.cleanups = append(f.cleanups, fn) }
func (f *fake) Error(args ...any) { f.errors = append(f.errors, args[0].(string)) }

// run checks body as the test it would be, and returns what the check said.
func run(t *testing.T, patience time.Duration, body func()) string {
	f := &fake{TB: t}
	check(f, patience)
	body()
	for _, fn := range f.cleanups {
		fn()
	}
	return strings.Join(f.errors, "\n")
}

func wantText(t *testing.T, got string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(got, want) {
			t.Errorf("the check says %q, want %q in it", got, want)
		}
	}
}

func TestGoroutine(t *testing.T) {
	stop := make(chan struct{})
	defer close(stop)
	got := run(t, 0, func() { go waitFor(stop) })
	wantText(t, got, "leaked goroutine", "leak.TestGoroutine", "leak_test.go")
}

func waitFor(stop chan struct{}) { <-stop }

func TestFile(t *testing.T) {
	got := run(t, 0, func() {
		if err := os.WriteFile(filepath.Join(os.TempDir(), "forgotten"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	})
	wantText(t, got, "leaked file forgotten")
}

// What was there before is nobody's leak, and what a test puts away is none.
func TestClean(t *testing.T) {
	stop := make(chan struct{})
	defer close(stop)
	go waitFor(stop)
	got := run(t, 0, func() {
		f, err := os.CreateTemp("", "")
		if err != nil {
			t.Fatal(err)
		}
		f.Close()
		os.Remove(f.Name())
		if err := exec.Command(os.Args[0], "-test.run=^$").Run(); err != nil {
			t.Fatal(err)
		}
	})
	if got != "" {
		t.Error(got)
	}
}

// What ends a little later is waited for.
func TestStraggler(t *testing.T) {
	got := run(t, time.Minute, func() {
		stop := make(chan struct{})
		go waitFor(stop)
		time.AfterFunc(20*time.Millisecond, func() { close(stop) })
	})
	if got != "" {
		t.Error(got)
	}
}

func TestCheck(t *testing.T) {
	outer := os.TempDir()
	t.Run("inner", func(t *testing.T) {
		Check(t)
		if os.TempDir() == outer {
			t.Error("the test has no TMPDIR of its own")
		}
	})
	if os.TempDir() != outer {
		t.Errorf("TMPDIR is %s after the test, want %s", os.TempDir(), outer)
	}
}

func TestVerify(t *testing.T) {
	outer := os.TempDir()
	leave := func() int {
		os.Mkdir(filepath.Join(os.TempDir(), "forgotten"), 0o700)
		return 0
	}
	fail := func() int { return 2 }
	for _, c := range []struct {
		name, want string
		run        func() int
		code       int
	}{
		{"clean", "", func() int { return 0 }, 0},
		{"failed", "", fail, 2},
		{"leaks", "leaked file forgotten in TMPDIR\n", leave, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out strings.Builder
			if code := verify(c.run, &out, 0); code != c.code || out.String() != c.want {
				t.Errorf("got %d and %q, want %d and %q", code, out.String(), c.code, c.want)
			}
		})
	}
	if os.TempDir() != outer {
		t.Errorf("TMPDIR is %s afterwards, want %s", os.TempDir(), outer)
	}
}
