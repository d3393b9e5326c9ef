package main

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/procpool/procpool"
)

func TestMain(m *testing.M) {
	procpool.WorkerMain()
	os.Exit(m.Run())
}

func TestShort(t *testing.T) {
	file := filepath.Join(t.TempDir(), "table.md")
	if err := run(true, "", file, io.Discard); err != nil {
		t.Fatal(err)
	}
	text, _ := os.ReadFile(file)
	if n := strings.Count(string(text), "\n"); n != 8 {
		t.Errorf("%d lines:\n%s", n, text)
	}
}

// A pool that cannot keep up is not waited for: what it left undone counts with the time that it took so far.
func TestPatience(t *testing.T) {
	s := series{start: time.Now()}
	s.open(context.Background(), 50*time.Millisecond, 10*time.Millisecond, 10*time.Millisecond, func(ctx context.Context) error {
		<-ctx.Done()
		return ctx.Err()
	})
	f, err := s.figures()
	if err != nil || f.Rate != 0 || !f.Least || f.P99 < 30*time.Millisecond || f.P99 > 10*time.Second {
		t.Errorf("got %+v, %v", f, err)
	}
}
