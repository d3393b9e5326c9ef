package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/procpool/procpool"
)

func TestMain(m *testing.M) {
	procpool.WorkerMain()
	os.Exit(m.Run())
}

func TestShort(t *testing.T) {
	file := filepath.Join(t.TempDir(), "table.md")
	if err := run(true, "", file); err != nil {
		t.Fatal(err)
	}
	text, _ := os.ReadFile(file)
	if n := strings.Count(string(text), "\n"); n != 8 {
		t.Errorf("%d lines:\n%s", n, text)
	}
}
