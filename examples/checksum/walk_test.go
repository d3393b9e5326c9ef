package main

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// The walk is no further ahead than its consumer: it finds what is put into a directory that it has not come to.
func TestFilesIsLazy(t *testing.T) {
	dir := t.TempDir()
	first, later := filepath.Join(dir, "a"), filepath.Join(dir, "b", "later")
	write(t, first)
	if err := os.Mkdir(filepath.Dir(later), 0o755); err != nil {
		t.Fatal(err)
	}
	var got []string
	for path := range files(dir, func(err error) { t.Error(err) }) {
		got = append(got, string(path))
		write(t, later)
	}
	if want := []string{first, later}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestFilesStops(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a"))
	write(t, filepath.Join(dir, "b"))
	n := 0
	for range files(dir, func(err error) { t.Error(err) }) {
		n++
		break
	}
	if n != 1 {
		t.Errorf("%d files after break, want 1", n)
	}
}

func write(t *testing.T, path string) {
	t.Helper()
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
}
