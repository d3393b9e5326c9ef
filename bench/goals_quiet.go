package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

func measureMixed(l *lab, f *finding) {
	duration := l.size(6000, 3000)
	with := func(c *contender) *contender {
		return c.also([2]string{c.what[0].name + ", p99", "ms"}).named(c.what[0].name + ", p50")
	}
	ring := with(l.ours("ring", "ms", "mixed", duration))
	pipe := with(l.ours("pipe", "ms", "mixed", duration))
	ringOne := with(l.ours("ring", "ms", "mixed-one", duration).named("procpool, ring, windows of one"))
	pipeOne := with(l.ours("pipe", "ms", "mixed-one", duration).named("procpool, pipe, windows of one"))
	l.interleave(ring, ringOne, pipe, pipeOne)
	f.shows(ring, ringOne, pipe, pipeOne)
	f.atMost(1.2, ring.what[1], ringOne.what[1], "p99 of short tasks, ring ÷ with windows of one")
	f.atMost(1.2, pipe.what[1], pipeOne.what[1], "p99 of short tasks, pipe ÷ with windows of one")
	f.note("Windows of one: as many callers as workers, each of which hands in its next task when it has its answer.")
}

func measureLoss(l *lab, f *finding) {
	n := l.size(300, 100)
	with := func(c *contender) *contender {
		return c.also([2]string{c.what[0].name + ", p99", "µs"}).named(c.what[0].name + ", p50")
	}
	ring, pipe := with(l.ours("ring", "µs", "loss", n)), with(l.ours("pipe", "µs", "loss", n))
	row := with(l.ours("ring", "µs", "loss-in-a-row", n).named("procpool, ring, in a row"))
	bare := with(l.bare(nil, "bare: SIGKILL to the return of a wait", "µs", "bare-loss", n))
	l.interleave(ring, pipe, row, bare)
	f.shows(ring, pipe, row, bare)
	f.value(1000, true, ring.what[1].median(), " µs", "p99, ring")
	f.value(1000, true, pipe.what[1].median(), " µs", "p99, pipe")
	f.note("Each is killed when the one before has been replaced; in a row: while it is.")
}

// What an idle pool is watched for, and how long it is left alone before.
const (
	idleFor = 5 * time.Second
	settle  = 2 * time.Second
)

// measureIdle watches from outside: a process that looks at itself is not idle.
func measureIdle(l *lab, f *finding) {
	for _, over := range []string{"ring", "pipe"} {
		c := l.ours(over, "", "idle", 100)
		pids, err := c.ask()
		s := [3]*series{
			{name: "procpool, " + over + ": processor time", unit: "ticks", err: err},
			{name: "procpool, " + over + ": processor time", unit: "µs", err: err},
			{name: "procpool, " + over + ": times a thread ran", unit: "", err: err},
		}
		if err == nil {
			<-time.After(settle)
			before := usage(pids)
			<-time.After(idleFor)
			for i, after := range usage(pids) {
				s[i].values = []float64{after - before[i]}
			}
		}
		f.series = append(f.series, s[:]...)
		f.value(0, true, s[0].median(), " ticks", over+": ticks of 101 processes")
		f.value(0, true, s[2].median(), "", over+": times a thread of them ran")
	}
}

// usage is what processes have used together: ticks, microseconds, and how often a thread of them was put on a processor.
func usage(pids []float64) (sum [3]float64) {
	for _, pid := range pids {
		threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*", int(pid)))
		for _, t := range threads {
			ticks, micros, runs := threadUsage(t)
			sum[0] += ticks
			sum[1] += micros
			sum[2] += runs
		}
	}
	return sum
}

func threadUsage(dir string) (ticks, micros, runs float64) {
	stat, _ := os.ReadFile(dir + "/stat")
	if _, rest, ok := strings.Cut(string(stat), ") "); ok {
		if f := strings.Fields(rest); len(f) > 12 {
			var user, system float64
			fmt.Sscan(f[11]+" "+f[12], &user, &system)
			ticks = user + system
		}
	}
	var waited float64
	schedstat, _ := os.ReadFile(dir + "/schedstat")
	fmt.Sscan(string(schedstat), &micros, &waited, &runs)
	return ticks, micros / 1e3, runs
}
