package main

import (
	"fmt"
	"io"
	"math"
)

// goal is one row of the table of goals.
type goal struct {
	number  int
	title   string
	measure func(*lab, *finding)
}

// finding is what was found about a goal.
type finding struct {
	goal
	series   []*series
	verdicts []verdict
	notes    []string
}

// shows lists contenders in the order in which they are shown.
func (f *finding) shows(contenders ...*contender) {
	for _, c := range contenders {
		f.series = append(f.series, c.what...)
	}
}

// ratio demands that a's median is at least, or at most, so many times b's.
func (f *finding) atLeast(bound float64, a, b *series, text string) {
	f.verdicts = append(f.verdicts, verdict{text: text, value: a.median() / b.median(), bound: bound, unit: "×"})
}

func (f *finding) atMost(bound float64, a, b *series, text string) {
	f.verdicts = append(f.verdicts, verdict{text: text, value: a.median() / b.median(), bound: bound, unit: "×", atMost: true})
}

// value demands an absolute bound.
func (f *finding) value(bound float64, atMost bool, v float64, unit, text string) {
	f.verdicts = append(f.verdicts, verdict{text: text, value: v, bound: bound, unit: unit, atMost: atMost})
}

func (f *finding) note(format string, args ...any) {
	f.notes = append(f.notes, fmt.Sprintf(format, args...))
}

func (f *finding) print(w io.Writer) {
	fmt.Fprintf(w, "\n%d. %s\n", f.number, f.title)
	for _, s := range f.series {
		median, spread := s.figures()
		fmt.Fprintf(w, "   %-46s %20s  %s\n", s.name, median, spread)
	}
	for i := range f.verdicts {
		v := &f.verdicts[i]
		fmt.Fprintf(w, "   %-7s %-58s %10s  goal %s\n", v.judge(), v.text, number(v.value)+v.unit, v.boundText())
	}
	for _, n := range f.notes {
		fmt.Fprintf(w, "   %s\n", n)
	}
}

// best returns the series with the highest median; NaN counts for nothing.
func best(all ...*series) *series {
	top := all[0]
	for _, s := range all[1:] {
		if math.IsNaN(top.median()) || s.median() > top.median() {
			top = s
		}
	}
	return top
}
