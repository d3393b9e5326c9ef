package queue

import "slices"

// level holds the waiting items of one priority, first in, first out.
type level struct {
	priority int
	segs     segments
}

// levels are sorted, highest priority first. There are few.
type levels []*level

// at returns the level of a priority, made if there is none.
func (ls *levels) at(priority int) *level {
	for i, l := range *ls {
		if l.priority == priority {
			return l
		}
		if l.priority < priority {
			l = &level{priority: priority}
			*ls = slices.Insert(*ls, i, l)
			return l
		}
	}
	l := &level{priority: priority}
	*ls = append(*ls, l)
	return l
}

// front returns the segment that runs next; nil when nothing waits. Segments of canceled calls are dropped on the way.
func (l *level) front() *segment {
	for g := l.segs.front(); g != nil; g = l.segs.front() {
		if !g.call.canceled && g.from < g.to {
			return g
		}
		l.segs.popFront()
	}
	return nil
}

// next returns the items that run next, most of them at most, and removes them. Items that differ come singly.
func (ls levels) next(most int32) (next segment, ok bool) {
	for _, l := range ls {
		g := l.front()
		if g == nil {
			continue
		}
		if g.call.again || g.call.Holes {
			most = 1
		}
		next = segment{g.call, g.from, min(g.to, g.from+most)}
		if g.from = next.to; g.from == g.to {
			l.segs.popFront()
		}
		return next, true
	}
	return next, false
}

// peek returns the call that runs next; nil when nothing waits.
func (ls levels) peek() *Call {
	for _, l := range ls {
		if g := l.front(); g != nil {
			return g.call
		}
	}
	return nil
}
