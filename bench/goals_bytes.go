package main

import "fmt"

func measureBytes(l *lab, f *finding) {
	for _, size := range []struct{ bytes, times int }{{1 << 20, l.size(400, 100)}, {64 << 20, l.size(6, 3)}} {
		name := func(what string) string { return fmt.Sprintf("%d MiB, %s", size.bytes>>20, what) }
		ring := l.ours("ring", timesPerSecond, "echo", size.bytes, size.times).named(name("echo, ring"))
		pipe := l.ours("pipe", timesPerSecond, "echo", size.bytes, size.times).named(name("echo, pipe"))
		clones := l.bare(nil, name("two bytes.Clone"), timesPerSecond, "two-clones", size.bytes, size.times)
		l.interleave(ring, pipe, clones)
		f.shows(ring, pipe, clones)
		f.atLeast(0.5, ring.first(), clones.first(), name("echo, ring ÷ two bytes.Clone"))
	}
	view := l.ours("ring", timesPerSecond, "view", 64<<20, l.size(6, 3)).named("64 MiB, View summed in the worker, ring")
	sum := l.bare(nil, "64 MiB, summed in the parent", timesPerSecond, "sum", 64<<20, l.size(6, 3))
	l.interleave(view, sum)
	f.shows(view, sum)
	f.atLeast(0.9, view.first(), sum.first(), "64 MiB, View in the worker ÷ in the parent")
}
