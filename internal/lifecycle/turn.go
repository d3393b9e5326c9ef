package lifecycle

import "github.com/procpool/procpool/event"

// share is how many workers may leave at once for reasons that can wait: a quarter, at least one.
func (f *Fleet) share() int { return max(1, f.target/4) }

// ahead is how many serving workers need a successor although they still serve.
func (f *Fleet) ahead(c census) int {
	turn := f.share() - c.soft
	n := 0
	for _, w := range f.workers {
		switch {
		case !w.serving():
		case w.near:
			n += f.chain(w)
		case w.due != "" && turn > 0:
			turn--
			n++
		}
	}
	return n
}

// turns retires workers that are due, the oldest first, as many as have a ready successor. If successors fail to start,
// the old ones stay. Without spares a successor can not come first; then one leaves at a time, when all others are ready.
func (f *Fleet) turns() {
	for _, w := range f.workers {
		if !w.serving() || w.due == "" {
			continue
		}
		c := f.count()
		switch {
		case f.closed && f.demand.Queued == 0:
			return
		case f.cfg.Spares < 0 && (c.up < f.target || c.living > f.target):
			return
		case f.cfg.Spares >= 0 && (c.soft >= f.share() || c.serving-1+c.upSpares < f.target):
			return
		}
		f.retire(w, w.due, w.dueWhy)
	}
	f.refresh()
}

// recycleAll makes every worker due. Spares still succeed others: with a stream of calls, none would ever get ready else.
func (f *Fleet) recycleAll() {
	f.rolls = append(f.rolls, f.last)
	for _, w := range f.workers {
		w.setDue(event.ReasonRolling, f.worked(w))
	}
}

// refresh replaces spares that are due, when no serving worker is.
func (f *Fleet) refresh() {
	for _, w := range f.workers {
		if w.serving() && w.due != "" {
			return
		}
	}
	if c := f.count(); c.places < f.target {
		return // they are about to serve
	}
	for _, w := range f.workers {
		if w.spare() && w.due != "" {
			f.retire(w, w.due, w.dueWhy)
		}
	}
}

// rolled answers the calls of RecycleAll whose workers are all gone.
func (f *Fleet) rolled() {
	for len(f.rolls) > 0 && (len(f.workers) == 0 || f.workers[0].id > f.rolls[0] || f.closed || f.terminated) {
		f.rolls = f.rolls[1:]
		f.do(Rolled{})
	}
}
