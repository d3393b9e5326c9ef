package resume

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func write(t *testing.T, l *Log, index int, text string, failed bool) {
	t.Helper()
	l.Add(index, text, failed)
	if err := l.Write(l.Noted()); err != nil {
		t.Fatal(err)
	}
}

func TestGoOn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	l, err := Open(path, true)
	if err != nil {
		t.Fatal(err)
	}
	write(t, l, 0, "a", false)
	write(t, l, 2, "c", true)
	l.Close()

	if _, err := Open(path, false); err == nil || !strings.Contains(err.Error(), "--resume") {
		t.Errorf("a log was opened again: %v", err)
	}
	if l, err = Open(path, true); err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	d := l.Done()
	for i, want := range []bool{true, false, true, false} {
		if got, err := d.Has(i, "abcd"[i:i+1]); got != want || err != nil {
			t.Errorf("item %d: %v, %v", i, got, err)
		}
	}
	if _, err := d.Has(2, "changed"); err == nil {
		t.Error("another input was not noticed")
	}
	if d.Len() != 2 || d.Failed() != 1 {
		t.Errorf("%d finished, %d failed", d.Len(), d.Failed())
	}
}

// Wherever a log is cut off, what it holds until then counts, and it can be written on.
func TestCutOff(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	l, err := Open(path, true)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		l.Add(i, "x", false)
	}
	if err := l.Write(l.Noted()); err != nil {
		t.Fatal(err)
	}
	l.Close()
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for n := range whole {
		if err := os.WriteFile(path, whole[:n], 0o644); err != nil {
			t.Fatal(err)
		}
		l, err := Open(path, true)
		if err != nil {
			t.Fatalf("cut at %d: %v", n, err)
		}
		want := max(strings.Count(string(whole[:n]), "\n")-1, 0)
		if got := l.Done().Len(); got != want {
			t.Errorf("cut at %d: %d items, want %d", n, got, want)
		}
		write(t, l, want, "x", false)
		l.Close()
		if l, err = Open(path, true); err != nil || l.Done().Len() != want+1 {
			t.Fatalf("cut at %d and written on: %v", n, err)
		}
		l.Close()
	}
}

func TestNoLog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	for _, text := range []string{"my data\n", "my data", heading + "? 1 2\n", heading + "+ x 00\n"} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(path, true); err == nil {
			t.Errorf("%q was taken for a log", text)
		}
		if kept, _ := os.ReadFile(path); string(kept) != text {
			t.Errorf("%q became %q", text, kept)
		}
	}
}
