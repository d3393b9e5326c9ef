//go:build unix

package main

import (
	"fmt"
	"maps"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/procpool/procpool"
)

// summary prints what was run.
func (s *soak) summary(took time.Duration) {
	var all sums
	var st procpool.Stats
	var signals [strikes]int
	exits := map[procpool.Reason]uint64{}
	methods := map[string]int{}
	for _, r := range s.rounds {
		all.add(r.sums)
		methods[r.plan.method]++
		st.Started += r.stats.Started
		st.Requeued += r.stats.Requeued
		st.Retried += r.stats.Retried
		for i, n := range r.ledger.signals {
			signals[i] += n
		}
		for reason, n := range r.stats.Exits {
			exits[reason] += n
		}
	}
	w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	row := func(name string, v any) { fmt.Fprintf(w, "%s\t%v\n", name, v) }
	row("seed", s.seed)
	row("took", took.Round(time.Millisecond))
	row("rounds", fmt.Sprintf("%d: %v", len(s.rounds), methods))
	row("tasks", all.tasks)
	for c := succeeded; c < classes; c++ {
		row("  "+classNames[c], all.classes[c])
	}
	row("  left by a break", all.classes[unseen]+all.unread)
	row("functions started", all.starts)
	row("requeued, retried", fmt.Sprint(st.Requeued, ", ", st.Retried))
	row("workers started", st.Started)
	for _, reason := range slices.Sorted(maps.Keys(exits)) {
		row("  left: "+string(reason), exits[reason])
	}
	for i, n := range signals {
		row("harm: "+strikeNames[i], n)
	}
	if n := len(s.memory); n > 0 {
		row("memory", fmt.Sprintf("%d MiB after the first round, %d at most, %d after the last",
			s.memory[0]>>20, slices.Max(s.memory)>>20, s.memory[n-1]>>20))
		row("heap", fmt.Sprintf("%d KiB after the first round, %d at most, %d after the last",
			s.heap[0]>>10, slices.Max(s.heap)>>10, s.heap[n-1]>>10))
	}
	row("violations", s.violations)
	w.Flush()
}
