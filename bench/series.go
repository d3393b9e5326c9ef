package main

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// series is what was measured of one thing, repetition after repetition.
type series struct {
	name, unit string
	values     []float64
	err        error // why there are no values
}

func (s *series) median() float64 {
	if len(s.values) == 0 || s.err != nil {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(s.values))
	return (sorted[(len(sorted)-1)/2] + sorted[len(sorted)/2]) / 2
}

// figures returns median, least and most, for people.
func (s *series) figures() (median, spread string) {
	if s.err != nil {
		return "skipped", firstLine(s.err)
	}
	return number(s.median()) + " " + s.unit, "(" + number(slices.Min(s.values)) + " .. " + number(slices.Max(s.values)) + ")"
}

// number writes a value with the digits that matter, in groups of three.
func number(v float64) string {
	switch a := math.Abs(v); {
	case math.IsNaN(v):
		return "-"
	case a != 0 && a < 10:
		return strconv.FormatFloat(v, 'f', 2, 64)
	case a < 1000:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	digits := strconv.FormatFloat(v, 'f', 0, 64)
	var b strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 && digits[i-1] != '-' {
			b.WriteByte(',')
		}
		b.WriteRune(d)
	}
	return b.String()
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

// verdict is a goal's bound and how it was met.
type verdict struct {
	text   string
	value  float64
	bound  float64
	atMost bool
	unit   string
}

func (v *verdict) judge() string {
	switch {
	case math.IsNaN(v.value):
		return "skipped"
	case v.atMost == (v.value <= v.bound), v.value == v.bound:
		return "pass"
	}
	return "MISS"
}

func (v *verdict) boundText() string {
	sign := "≥"
	if v.atMost {
		sign = "≤"
	}
	return fmt.Sprintf("%s %s%s", sign, number(v.bound), v.unit)
}
