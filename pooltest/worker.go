package pooltest

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/procpool/procpool/internal/child"
)

// A worker with faults learns of them before main, and takes what tells it from its arguments and environment, so that
// what its tasks start has no faults.
func init() {
	text := os.Getenv(strings.TrimSuffix(marker, "="))
	os.Unsetenv(strings.TrimSuffix(marker, "="))
	if text == "" && len(os.Args) == 2 {
		text, _ = strings.CutPrefix(os.Args[1], marker)
		if text == os.Args[1] {
			text = ""
		}
	}
	if text == "" || os.Getenv("PROCPOOL_WORKER") == "" {
		return
	}
	var p plan
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		fmt.Fprintln(os.Stderr, "pooltest:", err)
		os.Exit(2)
	}
	child.Tamper = p.tamper
}

// tamper puts itself between the worker and its channel.
func (p *plan) tamper(program child.Program, ch child.Channel) child.Channel {
	t := &tamper{plan: p, inner: ch.Calls, program: program}
	t.some.L = &t.mu
	if ch.Control == any(ch.Calls) {
		ch.Control = t
	}
	ch.Calls = t
	return ch
}

// take reports whether the n-th fault may show once more.
func (p *plan) take(n int) bool {
	times := p.Faults[n].Times
	if times == 0 {
		return true
	}
	for i := range times {
		f, err := os.OpenFile(fmt.Sprintf("%s/%d-%d", p.Dir, n, i), os.O_CREATE|os.O_EXCL, 0o600)
		if err == nil {
			f.Close()
			return true
		}
	}
	return false
}
