//go:build unix

package python

import (
	"bytes"
	"errors"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/procpool/procpool"
	"github.com/procpool/procpool/internal/conform"
	"github.com/procpool/procpool/pooltest"
)

const jsonWorker = "testdata/json_worker.py"

func TestJSONConform(t *testing.T) {
	python := interpreters(t)[0]
	report := conform.Run(t.Context(), python, []string{jsonWorker, "json"}, conform.Options{FixHints: true, Patience: 15 * time.Second})
	for _, c := range report.Checks {
		needs := c.Rule == "retire" || c.Rule == "output" || c.Rule == "marker" || c.Rule == "initializer"
		if c.Err != nil || c.Skipped != "" && !needs {
			t.Fatalf("\n%v", report)
		}
	}
}

type letter struct {
	To    string
	Seal  []byte    `json:"seal"`
	Sent  time.Time `cbor:"sent"`
	Pages []int
}

func jsonPool(t *testing.T, processes int, codec string) *procpool.Pool {
	t.Helper()
	pooltest.Check(t)
	pool, err := procpool.New(procpool.Config{
		Processes: processes, StartMethod: procpool.Command(interpreters(t)[0], jsonWorker, codec),
		Restart: procpool.Restart{MaxFailures: 1},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Terminate)
	return pool
}

// A worker that has no CBOR gets JSON, and what it answers is typed all the same.
func TestJSONPool(t *testing.T) {
	pool := jsonPool(t, 2, "json")
	sent := letter{"Ann", []byte{0, 1, 254, 255}, time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC), make([]int, 100)}
	got, err := procpool.Declare[letter, letter]("conform.echo").Apply(t.Context(), pool, sent)
	if err != nil || !reflect.DeepEqual(got, sent) {
		t.Errorf("sent %v, got %v, %v", sent, got, err)
	}
	big := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	data := procpool.Declare[[]byte, []byte]("conform.echo")
	if got, err := data.Apply(t.Context(), pool, big); err != nil || !bytes.Equal(got, big) {
		t.Errorf("%d bytes came back as %d, %v", len(big), len(got), err)
	}
	two, err := procpool.Declare[procpool.Args2[int, string], int]("conform.fail").Apply(t.Context(), pool, procpool.Two(1, "b"))
	var failed *procpool.TaskError
	if !errors.As(err, &failed) || failed.Type != "TypeError" {
		t.Errorf("two arguments for one: %v, %v", two, err)
	}
	var wrong *procpool.EncodeError
	_, err = procpool.Declare[map[string]any, letter]("conform.echo").Apply(t.Context(), pool, map[string]any{"To": 5})
	if !errors.As(err, &wrong) || !wrong.Result || !strings.Contains(err.Error(), "letter.To of type string") {
		t.Errorf("a mismatch: %v", err)
	}
	_, err = procpool.Declare[float64, any]("conform.echo").Apply(t.Context(), pool, math.NaN())
	if !errors.As(err, &wrong) || wrong.Result || !strings.Contains(err.Error(), "NaN") {
		t.Errorf("NaN: %v", err)
	}
	in := make([]int, 1000)
	for i := range in {
		in[i] = i
	}
	out, err := procpool.Declare[int, int]("conform.echo").Map(t.Context(), pool, in)
	if err != nil || !reflect.DeepEqual(in, out) {
		t.Errorf("a map: %v", err)
	}
}

// The pool sends its first worker, and some later ones, a frame that no worker knows.
func TestGrease(t *testing.T) {
	pool := jsonPool(t, 1, "json")
	got, err := procpool.Declare[any, []int]("skips").Apply(t.Context(), pool, nil)
	if err != nil || !slices.Equal(got, []int{90}) {
		t.Errorf("it skipped frames of types %v, %v", got, err)
	}
}

func TestNoCodec(t *testing.T) {
	var failed *procpool.StartError
	if err := jsonPool(t, 2, "xml").WaitReady(t.Context()); !errors.As(err, &failed) || !strings.Contains(err.Error(), `it speaks ["xml"], this pool cbor and json`) {
		t.Errorf("got %v", err)
	}
}
