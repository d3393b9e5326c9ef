//go:build unix

package builtin

import (
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// What a program has printed until its end is its result, whole, however late this process comes to read it.
func TestLateReader(t *testing.T) {
	defer func(was time.Duration) { leaves = was }(leaves)
	leaves = time.Nanosecond // as on a machine that runs this process again only when the time is over
	var err error
	if template, err = NewTemplate("printf %60000s", true); err != nil {
		t.Fatal(err)
	}
	for range 50 {
		out, err := run(t.Context(), "x")
		if want := strings.Repeat(" ", 59_999) + "x"; out != want || err != nil {
			t.Fatalf("%d bytes of %d came, %v", len(out), len(want), err)
		}
	}
}

// Who has the program's output after its end is not waited for.
func TestOutputStaysOpen(t *testing.T) {
	defer func(was time.Duration) { leaves = was }(leaves)
	leaves = 10 * time.Millisecond
	var err error
	if template, err = NewTemplate("sleep 60 2>/dev/null & echo $!; : {}", true); err != nil {
		t.Fatal(err)
	}
	out, err := run(t.Context(), "x")
	pid, _ := strconv.Atoi(out)
	if err != nil || pid == 0 || syscall.Kill(pid, syscall.SIGKILL) != nil {
		t.Errorf("%q, %v: it should be there still", out, err)
	}
}
