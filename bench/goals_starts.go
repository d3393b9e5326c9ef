package main

import "fmt"

// bareRecycles are bare loops that start a program, hand it one task and wait for its exit, so many at a time.
func (l *lab) bareRecycles(n int) (all []*contender) {
	for parallel := 1; parallel <= 2*cores(); parallel *= 2 {
		name := fmt.Sprintf("bare starts of the same program, %d at a time", parallel)
		all = append(all, l.bare(nil, name, tasksPerSecond, "bare-recycle", parallel, n))
	}
	return all
}

// bestOf returns the contender's series with the highest median.
func bestOf(all []*contender) *series {
	var s []*series
	for _, c := range all {
		s = append(s, c.first())
	}
	return best(s...)
}

func measureOneTask(l *lab, f *finding) {
	n := l.size(1000, 300)
	ring := l.ours("ring", tasksPerSecond, "recycle", 1, n)
	pipe := l.ours("pipe", tasksPerSecond, "recycle", 1, n)
	bare := l.bareRecycles(n)
	fork := l.cpython("fork", tasksPerSecond, "recycle", 1, l.size(200, 60))
	spawn := l.cpython("spawn", tasksPerSecond, "recycle", 1, l.size(40, 20))
	all := append([]*contender{ring, pipe, fork, spawn}, bare...)
	l.interleave(all...)
	f.shows(all...)
	f.atLeast(0.9, ring.first(), bestOf(bare), "ring ÷ bare starts at their best")
	f.atLeast(2.3, ring.first(), fork.first(), "ring ÷ CPython fork")
	f.atLeast(20, ring.first(), spawn.first(), "ring ÷ CPython spawn")
}

func measureFewTasks(l *lab, f *finding) {
	n := l.size(1000, 300)
	ten := l.ours("ring", tasksPerSecond, "recycle", 10, 10*n).named("procpool, ring, MaxTasksPerChild 10")
	hundred := l.ours("ring", tasksPerSecond, "recycle", 100, 100*n).named("procpool, ring, MaxTasksPerChild 100")
	bare := l.bareRecycles(n)
	all := append([]*contender{ten, hundred}, bare...)
	l.interleave(all...)
	f.shows(all...)
	f.atLeast(0.9*10, ten.first(), bestOf(bare), "10: tasks ÷ bare starts at their best")
	f.atLeast(0.9*100, hundred.first(), bestOf(bare), "100: tasks ÷ bare starts at their best")
}

func measureStart(l *lab, f *finding) {
	for _, n := range []int{2, 8, 64, 1000} {
		ring := l.ours("ring", "ms", "start", n).named(fmt.Sprintf("procpool, ring, %d workers", n))
		pipe := l.ours("pipe", "ms", "start", n).named(fmt.Sprintf("procpool, pipe, %d workers", n))
		all := []*contender{ring, pipe}
		var bare []*contender
		for parallel := 1; parallel <= 2*cores(); parallel *= 2 {
			name := fmt.Sprintf("bare start of %d, %d at a time", n, parallel)
			bare = append(bare, l.bare(nil, name, "ms", "bare-start", parallel, n))
		}
		all = append(all, bare...)
		if n <= 64 {
			all = append(all, l.cpython("fork", "ms", "start", n).named(fmt.Sprintf("CPython %s, fork, %d workers", l.python.version, n)))
		}
		l.interleave(all...)
		f.shows(all...)
		f.atMost(1.2, ring.first(), fastest(bare), fmt.Sprintf("%d workers, ring ÷ bare start at its best", n))
	}
}

// fastest returns the contender's series with the lowest median.
func fastest(all []*contender) *series {
	top := all[0].first()
	for _, c := range all[1:] {
		if c.first().median() < top.median() {
			top = c.first()
		}
	}
	return top
}
