package poolbar_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/procpool/procpool"
	"github.com/procpool/procpool/observe/poolbar"
)

var double = procpool.Define("poolbar.double", func(_ context.Context, n int) (int, error) {
	if n < 0 {
		return 0, errors.New("negative")
	}
	return 2 * n, nil
})

func TestMain(m *testing.M) {
	procpool.WorkerMain()
	os.Exit(m.Run())
}

func start(t *testing.T) *procpool.Pool {
	t.Helper()
	pool, err := procpool.New(procpool.Config{Processes: 2, StartMethod: procpool.Goroutines()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Terminate)
	return pool
}

func TestMap(t *testing.T) {
	var screen bytes.Buffer
	in := []int{1, 2, 3, 4, 5}
	out, err := poolbar.On(t.Context(), &screen, start(t), double, in, "doubling")
	if err != nil || len(out) != 5 || out[4] != 10 {
		t.Fatal(out, err)
	}
	if text := screen.String(); !strings.Contains(text, "doubling") || !strings.Contains(text, "5/5") {
		t.Errorf("drew %q", text)
	}
}

// A map with failures has its results and its error all the same.
func TestMapFails(t *testing.T) {
	var screen bytes.Buffer
	out, err := poolbar.On(t.Context(), &screen, start(t), double, []int{1, -1}, "")
	if _, ok := errors.AsType[*procpool.MapError](err); !ok || out[0] != 2 {
		t.Fatal(out, err)
	}
}

func TestIMap(t *testing.T) {
	var screen bytes.Buffer
	in := func(yield func(int) bool) {
		for i := range 100 {
			if !yield(i) {
				return
			}
		}
	}
	sum := 0
	for v, err := range poolbar.Seq(&screen, double.IMap(t.Context(), start(t), in), 100, "items") {
		if err != nil {
			t.Fatal(err)
		}
		sum += v
	}
	if sum != 9900 || !strings.Contains(screen.String(), "100/100") {
		t.Errorf("sum %d, drew %q", sum, screen.String())
	}
	for range poolbar.IMap(double.IMap(t.Context(), start(t), in), -1, "left early") {
		break
	}
}
