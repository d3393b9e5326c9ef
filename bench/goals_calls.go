package main

func measureApply(l *lab, f *finding) {
	fast := l.ours("ring", tasksPerSecond, "apply", l.size(1_000_000, 200_000))
	pipe := l.ours("pipe", tasksPerSecond, "apply", l.size(20_000, 5_000))
	ringOne := l.oursOn(oneCore, "ring", tasksPerSecond, "apply", l.size(100_000, 20_000))
	pipeOne := l.oursOn(oneCore, "pipe", tasksPerSecond, "apply", l.size(100_000, 20_000))
	bareOne := l.bare(oneCore, "blocking pipes, bare, one core", tasksPerSecond, "bare-pipe", l.size(100_000, 20_000))
	bareFree := l.bare(nil, "blocking pipes, bare", tasksPerSecond, "bare-pipe", l.size(20_000, 5_000))
	python := l.cpython("fork", tasksPerSecond, "apply", l.size(5_000, 2_000))
	plugin := l.goPlugin(tasksPerSecond, "apply", l.size(10_000, 3_000))
	all := []*contender{fast, pipe, ringOne, pipeOne, bareOne, bareFree, python, plugin}
	l.interleave(all...)
	f.shows(all...)
	f.atLeast(150, fast.first(), python.first(), "ring, a core free ÷ CPython apply")
	f.atLeast(10, pipeOne.first(), python.first(), "pipe, one core ÷ CPython apply")
	f.atLeast(1, ringOne.first(), bareOne.first(), "ring, one core ÷ blocking pipes, one core")
}

func measureAsync(l *lab, f *finding) {
	const n = 1_000_000
	ring := l.ours("ring", tasksPerSecond, "async", n)
	pipe := l.ours("pipe", tasksPerSecond, "async", l.size(n, 300_000))
	python := l.cpython("fork", tasksPerSecond, "async", l.size(100_000, 30_000))
	plugin := l.goPlugin(tasksPerSecond, "async", l.size(200_000, 50_000))
	l.interleave(ring, pipe, python, plugin)
	f.shows(ring, pipe, python, plugin)
	f.atLeast(100, ring.first(), python.first(), "ring ÷ CPython apply_async")
	f.atLeast(20, pipe.first(), python.first(), "pipe ÷ CPython apply_async")
	f.atLeast(8, ring.first(), plugin.first(), "ring ÷ the best other peer")
	f.atLeast(8, pipe.first(), plugin.first(), "pipe ÷ the best other peer")
}

func measureMap(l *lab, f *finding) {
	const n = 1_000_000
	ring := l.ours("ring", tasksPerSecond, "map", n)
	pipe := l.ours("pipe", tasksPerSecond, "map", l.size(n, 300_000))
	python := l.cpython("fork", tasksPerSecond, "map", n).named("CPython " + l.python.version + " Pool, fork, default chunks")
	l.interleave(ring, pipe, python)
	f.shows(ring, pipe, python)
	f.atLeast(2, ring.first(), python.first(), "ring ÷ CPython map with default chunks")
}

func measureIMap(l *lab, f *finding) {
	const n = 1_000_000
	ordered := l.ours("ring", tasksPerSecond, "imap", n).named("procpool, ring, IMap")
	unordered := l.ours("ring", tasksPerSecond, "unordered", n).named("procpool, ring, IMapUnordered")
	few := l.ours("ring", "KiB", "imap-peak", n/10).named("peak memory of IMap over 100,000")
	many := l.ours("ring", "KiB", "imap-peak", n).named("peak memory of IMap over 1,000,000")
	python := l.cpython("fork", tasksPerSecond, "unordered", l.size(100_000, 30_000)).named("CPython " + l.python.version + " imap_unordered, fork")
	l.interleave(ordered, unordered, few, many, python)
	f.shows(ordered, unordered, few, many, python)
	f.atLeast(40, ordered.first(), python.first(), "IMap ÷ CPython imap_unordered")
	f.atLeast(40, unordered.first(), python.first(), "IMapUnordered ÷ CPython imap_unordered")
	f.atMost(1.25, many.first(), few.first(), "memory flat: peak over 1,000,000 ÷ peak over 100,000")
}

func measureRecords(l *lab, f *finding) {
	n := l.size(500_000, 200_000)
	ring := l.ours("ring", tasksPerSecond, "records", n)
	codec := l.bare(nil, "fxamacker/cbor, encoding and decoding alone, one processor", tasksPerSecond, "records-codec", n)
	python := l.cpython("fork", tasksPerSecond, "records", l.size(200_000, 100_000)).named("CPython " + l.python.version + " Pool, fork, dicts in default chunks")
	l.interleave(ring, codec, python)
	f.shows(ring, codec, python)
	f.value(500_000, false, ring.first().median(), " tasks/s", "ring")
}
