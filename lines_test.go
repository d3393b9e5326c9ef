package procpool_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/procpool/procpool"
	"github.com/procpool/procpool/pooltest"
)

var linesTask = procpool.Declare[string, string]("line")

func linesPool(t *testing.T, cfg procpool.Config, path string, args ...string) (context.Context, *procpool.Pool) {
	t.Helper()
	pooltest.Check(t)
	ctx, done := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(done)
	cfg.Processes, cfg.StartMethod = 2, procpool.Lines(path, args...)
	p, err := procpool.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Terminate)
	return ctx, p
}

func TestLinesFilter(t *testing.T) {
	ctx, p := linesPool(t, procpool.Config{MaxTasksPerChild: 7}, "sed", "-u", "s/a/b/")
	in := make([]string, 100)
	for i := range in {
		in[i] = strings.Repeat("x", i) + "a"
	}
	out, err := linesTask.Map(ctx, p, in)
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range out {
		if want := strings.Repeat("x", i) + "b"; s != want {
			t.Errorf("line %d: %q, want %q", i, s, want)
		}
	}
	if err := p.Shutdown(ctx); err != nil {
		t.Fatal(err)
	}
	if n := p.Stats().Started; n < 15 {
		t.Errorf("%d workers for 100 lines, want at least 15", n)
	}
}

func TestLinesFilterDiesUnderLine(t *testing.T) {
	ctx, p := linesPool(t, procpool.Config{}, "sh", "-c", "while read x; do [ $x = die ] && exit 3; echo got $x; done")
	if s, err := linesTask.Apply(ctx, p, "1"); s != "got 1" || err != nil {
		t.Fatal(s, err)
	}
	_, err := linesTask.Apply(ctx, p, "die")
	if we, ok := errors.AsType[*procpool.WorkerError](err); !ok || we.Cause != procpool.CauseExited || we.ExitCode != 3 {
		t.Fatalf("%v, want exit status 3", err)
	}
	if s, err := linesTask.Apply(ctx, p, "2"); s != "got 2" || err != nil {
		t.Fatal(s, err)
	}
}

// A filter that has closed its input and lives on answers no line any more. It does so before it answers the first: what
// stood in the pipe by then would be a task like any other that takes long.
func TestLinesFilterReadsNoMore(t *testing.T) {
	ctx, p := linesPool(t, procpool.Config{}, "sh", "-c", "read x; exec 0<&-; echo got $x; exec sleep 1000")
	lines := []string{"1", "2", "3", "4", "5", "6"}
	out, err := linesTask.Map(ctx, p, lines)
	failed, ok := errors.AsType[*procpool.MapError](err)
	if !ok {
		t.Fatal(out, err)
	}
	for _, item := range failed.Items {
		if we, ok := errors.AsType[*procpool.WorkerError](item); !ok || we.Cause != procpool.CauseProtocol {
			t.Error(item)
		}
	}
}

func TestLinesFilterAnswersTwice(t *testing.T) {
	ctx, p := linesPool(t, procpool.Config{}, "sh", "-c", `while read x; do printf '%s\nagain\n' "$x"; done`)
	_, err := linesTask.Apply(ctx, p, "1")
	if we, ok := errors.AsType[*procpool.WorkerError](err); !ok || we.Cause != procpool.CauseProtocol {
		t.Fatal(err)
	} else if !strings.Contains(err.Error(), "more lines than it was given") {
		t.Fatal(err)
	}
}

func TestLinesNewlineIsRefused(t *testing.T) {
	ctx, p := linesPool(t, procpool.Config{}, "cat")
	_, err := linesTask.Apply(ctx, p, "two\nlines")
	if ee, ok := errors.AsType[*procpool.EncodeError](err); !ok || ee.Result {
		t.Fatal(err)
	}
	if _, err := procpool.Declare[string, string]("word").Apply(ctx, p, "x"); !errors.Is(err, procpool.ErrUnknownTask) {
		t.Fatal(err)
	}
}
