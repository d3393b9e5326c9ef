package conform

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// Check is the outcome of one rule. It held if Err is nil and Skipped empty.
type Check struct {
	Rule    string
	Says    string
	Hint    string
	Err     error
	Skipped string // why it could not be judged
	Took    time.Duration
}

// Report is the outcome of all rules.
type Report struct {
	Checks []Check
	hints  bool
}

// OK reports whether no rule was broken.
func (r Report) OK() bool {
	for _, c := range r.Checks {
		if c.Err != nil {
			return false
		}
	}
	return true
}

// WriteTo writes a line for every rule and a summary.
func (r Report) WriteTo(w io.Writer) (int64, error) {
	n, err := io.WriteString(w, r.String())
	return int64(n), err
}

func (r Report) String() string {
	var b strings.Builder
	var held, broken, skipped int
	for _, c := range r.Checks {
		switch {
		case c.Err != nil:
			broken++
			fmt.Fprintf(&b, "FAIL  %-14s %s\n      %s\n", c.Rule, c.Says, indent(c.Err.Error()))
			if r.hints && c.Hint != "" {
				fmt.Fprintf(&b, "      to fix: %s\n", indent(c.Hint))
			}
		case c.Skipped != "":
			skipped++
			fmt.Fprintf(&b, "skip  %-14s %s\n      %s\n", c.Rule, c.Says, c.Skipped)
		default:
			held++
			fmt.Fprintf(&b, "ok    %-14s %s (%v)\n", c.Rule, c.Says, c.Took.Round(time.Millisecond))
		}
	}
	fmt.Fprintf(&b, "%d rules hold, %d are broken, %d were not judged\n", held, broken, skipped)
	return b.String()
}

func indent(s string) string { return strings.ReplaceAll(strings.TrimSpace(s), "\n", "\n      ") }
