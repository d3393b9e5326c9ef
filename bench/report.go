package main

import (
	"bytes"
	"fmt"
	"os"
	"strings"
)

const preamble = `# Benchmarks

<!-- Written by bench: run make bench, do not edit. -->

Each goal is a ratio of medians of things that took turns in one run on one machine; what stands in brackets is the spread over
the turns. Functions do nothing unless a goal says otherwise; pools have one worker for each processor, for calls that come one
after another a single one. ring is the transport of Spawn on Linux, pipe that of Command. What these numbers are made of is in
[performance.md](performance.md).

`

// writeReport writes all findings to a file, in Markdown.
func writeReport(path string, l *lab, findings []*finding) error {
	var b bytes.Buffer
	b.WriteString(preamble)
	for line := range strings.Lines(l.machine() + "\n") {
		fmt.Fprintf(&b, "* %s", line)
	}
	fmt.Fprintf(&b, "* %d turns each%s\n", l.reps(), map[bool]string{true: ", short works"}[l.short])
	b.WriteString("\n| goal | what | measured | goal | |\n|---|---|---|---|---|\n")
	for _, f := range findings {
		for i := range f.verdicts {
			v := &f.verdicts[i]
			fmt.Fprintf(&b, "| %d | %s | %s%s | %s | %s |\n", f.number, v.text, number(v.value), v.unit, v.boundText(), v.judge())
		}
	}
	for _, f := range findings {
		f.write(&b)
	}
	return os.WriteFile(path, b.Bytes(), 0o644)
}

func (f *finding) write(b *bytes.Buffer) {
	fmt.Fprintf(b, "\n## %d. %s\n\n| | median | spread |\n|---|---:|---|\n", f.number, f.title)
	for _, s := range f.series {
		median, spread := s.figures()
		fmt.Fprintf(b, "| %s | %s | %s |\n", s.name, median, spread)
	}
	for _, n := range f.notes {
		fmt.Fprintf(b, "\n%s\n", n)
	}
}
