//go:build unix

package main

import "github.com/procpool/procpool"

// sums are how the tasks of a round, or of all, ended.
type sums struct {
	classes [classes]int
	tasks   int
	starts  int
	unread  int // of a stream that was left before it read them
}

func (s *sums) add(o sums) {
	for i, n := range o.classes {
		s.classes[i] += n
	}
	s.tasks += o.tasks
	s.starts += o.starts
	s.unread += o.unread
}

// audit checks the ledger once the pool is gone: each task by itself, then the counters.
func (l *ledger) audit() (s sums) {
	for id := range l.entries {
		c := l.chunks[id/chunkTasks]
		if c == nil {
			continue // never came to it
		}
		s.tasks++
		l.auditTask(c, id, &s)
	}
	return s
}

func (l *ledger) auditTask(c *chunk, id int, s *sums) {
	e := &l.entries[id]
	n, most := starts(uint64(id)), c.options.Retries+1
	s.starts += n
	if !e.given.Load() {
		s.unread++
		if n > 0 {
			l.fault("task %d ran, and nobody submitted it", id)
		}
		return
	}
	s.classes[e.class]++
	if e.class == unseen && !e.stream {
		l.fault("task %d (%s, chunk %d) was never answered", id, formNames[c.form], c.number)
	}
	if e.callback && e.callbacks.Load() != 1 {
		l.fault("task %d was called back %d times", id, e.callbacks.Load())
	}
	least := 0
	switch {
	case e.class == refused:
		most = 0
	case e.class == succeeded:
		most = e.attempt // an attempt may die between its start and its mark
		least = 1
	case e.class == failed:
		least = 1
	case e.attempt > 0:
		most = e.attempt
	}
	if n < least || n > most {
		l.fault("task %d (%s, %s, %s) started %d times, not %d to %d",
			id, actNames[c.jobs[id-c.first].Act], formNames[c.form], classNames[e.class], n, least, most)
	}
}

// compare compares the ledger with what the pool counted.
func (l *ledger) compare(s *sums, st procpool.Stats) {
	if st.Queued != 0 || st.Running != 0 || st.Busy != 0 || st.Ready != 0 {
		l.fault("the pool is over, and has work or workers: %+v", st)
	}
	if sum := st.Succeeded + st.Failed + st.Canceled; sum != st.Submitted {
		l.fault("%d tasks were submitted, and %d ended: %+v", st.Submitted, sum, st)
	}
	seen := func(of ...class) (n uint64) {
		for _, c := range of {
			n += uint64(s.classes[c])
		}
		return n
	}
	hidden := seen(unseen)
	between := func(what string, n, least, more uint64) {
		if n < least || n > least+more {
			l.fault("%d tasks %s as the pool counts, between %d and %d as their submitters do", n, what, least, least+more)
		}
	}
	between("succeeded", st.Succeeded, seen(succeeded), hidden)
	between("failed", st.Failed, seen(failed, lost), hidden+seen(notStarted, terminated, canceled))
	between("were submitted", st.Submitted, seen(succeeded, failed, lost), hidden+seen(notStarted, terminated, canceled))
	var gone uint64
	for _, n := range st.Exits {
		gone += n
	}
	if gone != st.Started {
		l.fault("%d workers started, and %d left: %v", st.Started, gone, st.Exits)
	}
}
