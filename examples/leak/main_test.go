//go:build cgo

package main

import (
	"bytes"
	"context"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"github.com/procpool/procpool"
	"github.com/procpool/procpool/pooltest"
)

func TestMain(m *testing.M) {
	procpool.WorkerMain()
	os.Exit(pooltest.Verify(m))
}

// A short form of the program: without a limit the worker's memory only climbs; with one, workers are replaced soon after
// they reach it, and the next begins small.
func TestLeak(t *testing.T) {
	pooltest.Check(t)
	const calls, leak, limit = 160, 4 << 20, 80 << 20
	ctx := context.Background()
	without, err := measure(ctx, procpool.Recycle{}, calls, leak)
	if err != nil {
		t.Fatal(err)
	}
	var with line
	for more := 1; with.workers() < 2 && more <= 16; more *= 2 { // as much in more calls takes longer
		if with, err = measure(ctx, procpool.Recycle{Memory: limit}, more*calls, leak/more); err != nil {
			t.Fatal(err)
		}
	}
	if without.workers() != 1 || without.most() < calls*leak {
		t.Errorf("without: %d workers, %d bytes", without.workers(), without.most())
	}
	// A successor is started only once the limit is passed; until it is ready, which takes long under the race detector, and
	// longer on a busy machine, the old worker serves. But it leaves, and the next begins small.
	if with.workers() < 2 || with.most() >= without.most() {
		t.Errorf("with: %d workers, %d bytes", with.workers(), with.most())
	}
}

func TestPlot(t *testing.T) {
	pooltest.Check(t)
	for _, name := range []string{"leak.svg", "leak.png"} {
		file := filepath.Join(t.TempDir(), name)
		if err := run(context.Background(), 20, 4<<20, 40<<20, file); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if name == "leak.png" {
			if _, err := png.Decode(bytes.NewReader(text)); err != nil {
				t.Error(err)
			}
		} else if !bytes.Contains(text, []byte("<svg")) || !bytes.Contains(text, []byte("Recycle.Memory")) {
			t.Error("not the plot that was expected")
		}
	}
}
