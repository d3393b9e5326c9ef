// Package c tests the example of a worker in plain C.
package c

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/procpool/procpool/internal/conform"
)

// build compiles the worker, after replacing old by new in its source.
func build(t *testing.T, old, new string) string {
	t.Helper()
	cc, err := exec.LookPath("gcc")
	if err != nil {
		t.Skip("there is no gcc on this machine")
	}
	source, err := os.ReadFile("worker.c")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(source), old) {
		t.Fatalf("worker.c has no %q", old)
	}
	worker := filepath.Join(t.TempDir(), "worker")
	c := exec.Command(cc, "-std=c11", "-O2", "-Wall", "-Wextra", "-Werror", "-Wno-unused", "-o", worker, "-xc", "-", "-lm")
	c.Stdin = strings.NewReader(strings.Replace(string(source), old, new, 1))
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return worker
}

func TestConform(t *testing.T) {
	report := conform.Run(t.Context(), build(t, "", ""), nil, conform.Options{FixHints: true, Patience: 15 * time.Second})
	for _, c := range report.Checks {
		if c.Err != nil || c.Skipped != "" {
			t.Fatalf("\n%v", report)
		}
	}
}

// Each of these workers breaks one rule, and the report says so.
func TestConformFinds(t *testing.T) {
	for _, tt := range []struct{ rule, old, new string }{
		{"hello", "say_hello();", ""},
		{"hello", "say(READY, 0, NULL, 0);", "say(RESULT, 0, NULL, 0);"},
		{"tasks", `"conform.fail", fail`, `"conform.fall", fail`},
		{"grease", "switch (f.type) {", "switch (f.type) {\n\t\tdefault: leave(NULL); break;"},
		{"bytes", "((1u << 30) + (1u << 16) + (1u << 20))", "(1u << 20)"},
		{"fields", "field = take(&v, 4);", "field = take(&v, 8);"},
		{"spread", "f->flags & SPREAD", "0"},
		{"argument", "if (!whole(c.arg))", "if (0)"},
		{"unknown", "f->task >= TASKS", "0"},
		{"order", "static void echo(struct call *c) {", "static void echo(struct call *c) { answer_null(c);"},
		{"cancel", "if (canceled(c->seq))", "if (0)"},
		{"timeout", "if (t >= c->until)", "if (0)"},
		{"retire", "retiring = 1;", ""},
		{"dump", `add_text(&b, "fenced");`, `add_text(&b, "dumps");`},
		{"late dump", "case STOP:", `case DUMP: say(22, f.seq, (const uint8_t *)"?", 1); break; case STOP:`},
		{"board", "atomic_store(&board[9], f->seq);", ""},
		{"taken back", "return say(RETURNED, f->seq, NULL, 0);", "{}"},
		{"stop", "exit(0);", "exit(1);"},
		{"stop", "exit(0);", "break;"},
		{"end", "leave(NULL); // the pool is gone", "for (;;) pause();"},
		{"garbage", `leave("a frame is larger than it may be");`, "{}"},
		{"output", "puts(text);", ""},
		{"descriptors", "fcntl(fd, F_SETFD, FD_CLOEXEC);", ";"},
		{"marker", `unsetenv("PROCPOOL_WORKER");`, ""},
		{"initializer", "add(&kept, value.at, value.end - value.at);", `add(&kept, "\xf6", 1);`},
		{"no initializer", `if (name && strcmp(name, "conform.keep"))`, "if (0)"},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			t.Parallel()
			worker := build(t, tt.old, tt.new)
			report := conform.Run(t.Context(), worker, nil, conform.Options{FixHints: true, Rules: []string{tt.rule}, Patience: time.Second})
			if report.OK() || !strings.Contains(report.String(), "to fix: ") {
				t.Errorf("it found nothing:\n%v", report)
			}
		})
	}
}
