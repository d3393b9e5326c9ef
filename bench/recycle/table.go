package main

import (
	"fmt"
	"io"
	"time"
)

// table writes markdown.
type table struct {
	w          io.Writer
	contenders []contender
	base       []figures // of each contender without a limit, for the start and load at hand
}

func (t *table) head() {
	fmt.Fprint(t.w, "| start | load | limit |")
	rule := "|---|---|---|"
	for _, c := range t.contenders {
		fmt.Fprintf(t.w, " %s, tasks/s | p99 |", c.name)
		rule += "---|---|"
	}
	fmt.Fprintf(t.w, "\n%s\n", rule)
}

// row measures a cell with every contender. In brackets: compared with no limit.
func (t *table) row(c cell) error {
	limit := "none"
	if c.Limit > 0 {
		limit = fmt.Sprint(c.Limit)
	} else {
		t.base = t.base[:0]
	}
	fmt.Fprintf(t.w, "| %v | %d %% | %s |", c.Start, c.Load, limit)
	for i, one := range t.contenders {
		f, err := one.measure(c)
		if err != nil {
			return fmt.Errorf("%s, %+v: %w", one.name, c, err)
		}
		p99 := fmt.Sprint(f.P99.Round(100 * time.Microsecond))
		if f.Least {
			p99 = "> " + p99
		}
		if c.Limit == 0 {
			t.base = append(t.base, f)
			fmt.Fprintf(t.w, " %.1f | %v |", f.Rate, p99)
			continue
		}
		b := t.base[i]
		fmt.Fprintf(t.w, " %.1f (%.0f %%) | %v (%.2f×) |", f.Rate, 100*f.Rate/b.Rate, p99, float64(f.P99)/float64(b.P99))
	}
	fmt.Fprintln(t.w)
	return nil
}
