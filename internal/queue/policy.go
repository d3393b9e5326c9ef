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

// next returns the item that runs next and removes it; segments of canceled calls are dropped on the way.
func (ls levels) next() (c *Call, item int32, ok bool) {
	for _, l := range ls {
		for g := l.segs.front(); g != nil; g = l.segs.front() {
			if g.call.canceled || g.from == g.to {
				l.segs.popFront()
				continue
			}
			c, item = g.call, g.from
			if g.from++; g.from == g.to {
				l.segs.popFront()
			}
			return c, item, true
		}
	}
	return nil, 0, false
}

// peek returns the call that runs next; nil when nothing waits.
func (ls levels) peek() *Call {
	for _, l := range ls {
		if g := l.segs.front(); g != nil {
			return g.call
		}
	}
	return nil
}
