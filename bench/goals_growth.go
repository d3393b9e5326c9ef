package main

import "fmt"

func measureMemory(l *lab, f *finding) {
	const workers = 16
	worker := l.ours("ring", "KiB", "worker-memory", workers).named("PSS of an idle worker, one of 16")
	bare := l.bare(nil, "PSS of a bare process of the same program, one of 16", "KiB", "bare-memory", workers)
	parent := l.ours("ring", "KiB", "parent-memory", 20, 1000).named("the parent's PSS, each further worker, from 20 to 1,000")
	single := l.ours("ring", "bytes", "queued-memory", l.size(1_000_000, 300_000)).
		named("a queued ApplyAsync, its result included").also([2]string{"a queued item of a Map, its result included", "bytes"})
	l.interleave(worker, bare, parent, single)
	f.shows(worker, bare, parent, single)
	f.value(1024, true, worker.first().median()-bare.first().median(), " KiB", "an idle worker beyond a bare process")
	f.value(32, true, parent.first().median(), " KiB", "the parent, each worker")
	f.value(200, true, single.what[0].median(), " bytes", "a queued ApplyAsync")
	f.value(200, true, single.what[1].median(), " bytes", "a queued item of a Map")
}

func measureGrowth(l *lab, f *finding) {
	backlog, window := l.size(1_000_000, 300_000), l.size(200_000, 50_000)
	at := func(workers, window, n int, load string) *contender {
		name := fmt.Sprintf("%d workers, %s", workers, load)
		return l.ours("ring", tasksPerSecond, "load", workers, window, n).named(name).
			also([2]string{name + ": processor time", "ns/task"}, [2]string{name + ": threads in the parent", ""})
	}
	few, many := at(16, 0, backlog, "all queued"), at(1000, 0, backlog, "all queued")
	fewOpen, manyOpen := at(16, 64, window, "64 at a time"), at(1000, 64, window, "64 at a time")
	short := l.ours("ring", tasksPerSecond, "behind", 100_000, 100_000).named("the first 100,000 of 100,000 queued")
	deep := l.ours("ring", tasksPerSecond, "behind", 1_000_000, 100_000).named("the first 100,000 of 1,000,000 queued")
	all := []*contender{few, many, fewOpen, manyOpen, short, deep}
	l.interleave(all...)
	f.shows(all...)
	f.atMost(3, many.what[1], few.what[1], "processor time a task, all queued: 1,000 ÷ 16 workers")
	f.atMost(3, manyOpen.what[1], fewOpen.what[1], "processor time a task, 64 at a time: 1,000 ÷ 16 workers")
	f.atMost(3, few.first(), many.first(), "time a task, all queued: 1,000 ÷ 16 workers")
	f.atLeast(0.9, deep.first(), short.first(), "rate with 1,000,000 queued ÷ with 100,000")
	f.value(50, true, many.what[2].median(), "", "threads in the parent of 1,000 workers")
}
