// Command bench measures the goals of package procpool, beside the peers and the limits of the machine, in one run:
//
//	go run . [-short] [-goal 1,2] [-o ../docs/benchmarks.md] [-cpuprofile DIR]
//
// A goal is a ratio of medians. Contenders take turns, so that a change of the machine's mood meets them all.
package main

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run() error {
	short := flag.Bool("short", false, "fewer repetitions and smaller works")
	which := flag.String("goal", "", "the `numbers` of the goals to measure, as in 1,2,5; empty: all")
	report := flag.String("o", "", "write the report to this `file`, in Markdown")
	python := flag.String("python", "", "the `program` to run CPython's pool with; empty: the newest that is found")
	profiles := flag.String("cpuprofile", "", "write CPU profiles of our side to this `directory`")
	flag.Parse()
	chosen, err := choose(*which)
	if err != nil {
		return err
	}
	l, err := newLab(*short, *python, *profiles)
	if err != nil {
		return err
	}
	defer l.close()
	fmt.Println(l.machine())
	var findings []*finding
	for _, g := range chosen {
		f := l.measure(g)
		f.print(os.Stdout)
		findings = append(findings, f)
	}
	if *report == "" {
		return nil
	}
	return writeReport(*report, l, findings)
}

// choose returns the goals with the given numbers.
func choose(numbers string) ([]goal, error) {
	if numbers == "" {
		return goals, nil
	}
	var chosen []goal
	for field := range strings.SplitSeq(numbers, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(field))
		i := slices.IndexFunc(goals, func(g goal) bool { return g.number == n })
		if err != nil || i < 0 {
			return nil, fmt.Errorf("-goal %q: there is no such goal, use 1 to %d", field, len(goals))
		}
		chosen = append(chosen, goals[i])
	}
	return chosen, nil
}
