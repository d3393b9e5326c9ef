package lifecycle

import (
	"cmp"
	"slices"
	"time"

	"github.com/procpool/procpool/event"
)

// lingering is how many workers that take long to stop do not keep a place empty, beside as many as there are places.
// It ends a storm of workers that do not want to leave.
const lingering = 8

// settle closes the gap between the workers that are there and those that should be. The order matters: who leaves is
// known before places are filled, and places are filled before anyone is spawned for them.
func (f *Fleet) settle() {
	f.next = time.Time{}
	f.look()
	f.prove()
	f.timeouts()
	f.rescale()
	f.dues()
	f.finish()
	f.shed()
	f.turns()
	f.fill()
	for f.recruit() {
	}
	f.breaker()
	f.arm()
	f.rolled()
	f.end()
}

// census counts the living.
type census struct {
	living   int
	places   int // taken
	serving  int
	up       int // serving and ready
	spares   int
	upSpares int // spares that are ready
	starting int // not ready yet
	failing  int // killed as failed starts: their successors wait for the exit and the backoff
	soft     int // in their place, but retired for a reason that takes turns
}

func (f *Fleet) count() census {
	c := census{living: len(f.workers)}
	for _, w := range f.workers {
		c.places += one(w.place)
		c.serving += one(w.serving())
		c.up += one(w.serving() && w.ready())
		c.spares += one(w.spare())
		c.upSpares += one(w.spare() && w.ready())
		c.starting += one(!w.ready() && (!w.stopping || w.failing))
		c.failing += one(w.failing)
		c.soft += one(w.place && w.retired && w.due != "")
	}
	return c
}

func one(b bool) int {
	if b {
		return 1
	}
	return 0
}

// want is how many workers should serve or be about to: one for each place, and a successor for each that leaves soon.
// After Close only as many as the waiting tasks need.
func (f *Fleet) want(c census) int {
	n := f.slots(c)
	if f.closed {
		n = min(n, c.serving+f.unserved())
	}
	return n
}

func (f *Fleet) slots(c census) int {
	switch {
	case !f.begun || f.terminated:
		return 0
	case f.cfg.Spares < 0:
		return f.target
	}
	return f.target + f.ahead(c) + f.standby()
}

// shed retires workers that have no place any more, and stops spares that nobody needs.
func (f *Fleet) shed() {
	c := f.count()
	if over := c.serving - f.target; over > 0 {
		for _, w := range f.victims()[:over] {
			f.retire(w, event.ReasonShrink, f.worked(w))
		}
		c = f.count()
	}
	reason := event.ReasonShrink
	if f.closed {
		reason = event.ReasonClosed
	}
	for over := c.spares - f.useful(c); over > 0; over-- {
		w := f.leastSpare()
		f.retire(w, reason, f.worked(w))
	}
}

// useful is how many spares are worth keeping. After Close that is one for each waiting task, more than would be spawned for
// them: what we know of budgets lags behind the queue.
func (f *Fleet) useful(c census) int {
	n := max(0, f.slots(c)-c.serving)
	if f.deep() {
		n = max(n, f.cfg.Spares) // estimates waver; what was started for them will be of use
	}
	if f.closed {
		n = min(n, f.demand.Queued)
	}
	return n
}

// victims returns the serving workers, the one that is missed least first: one that is not ready, the youngest of these;
// one that is idle, the longest of these; then the oldest, which would be the next to be replaced anyway.
func (f *Fleet) victims() []*worker {
	var all []*worker
	for _, w := range f.workers {
		if w.serving() {
			all = append(all, w)
		}
	}
	slices.SortStableFunc(all, func(a, b *worker) int {
		if !a.ready() && !b.ready() {
			return cmp.Compare(b.id, a.id)
		}
		if c := cmp.Compare(one(a.ready()), one(b.ready())); c != 0 {
			return c
		}
		ai, bi := f.use(a).IdleSince, f.use(b).IdleSince
		if c := cmp.Compare(one(ai.IsZero()), one(bi.IsZero())); c != 0 {
			return c
		}
		return ai.Compare(bi)
	})
	return all
}

// leastSpare returns the spare that is furthest from being of use: one that is not ready if there is one, else the youngest.
func (f *Fleet) leastSpare() *worker {
	var least *worker
	for _, w := range f.workers {
		if w.spare() && (least == nil || least.ready() || !w.ready()) {
			least = w
		}
	}
	return least
}

// fill opens spares for the places that are free.
func (f *Fleet) fill() {
	for n := f.target - f.count().places; n > 0; n-- {
		w := f.bestSpare()
		if w == nil {
			return
		}
		w.place = true
		f.do(Open{w.id})
	}
}

// bestSpare returns the spare that serves soonest and longest: ready before not ready, not due before due, the oldest. One
// that is not ready is better than none, for the tasks in it can be taken back.
func (f *Fleet) bestSpare() *worker {
	var best *worker
	rank := func(w *worker) int { return 2*one(w.ready()) + one(w.due == "") }
	for _, w := range f.workers {
		if w.spare() && (best == nil || rank(w) > rank(best)) {
			best = w
		}
	}
	return best
}

// recruit spawns who is missing, as far as the limits and the backoff let it. It reports whether it did: a new worker may
// need a successor at once.
func (f *Fleet) recruit() bool {
	c := f.count()
	missing := f.want(c) - c.serving - c.spares - c.failing
	n, probe := f.allowed(min(missing, f.room(c)), c)
	for i := n; i > 0; i-- {
		f.spawn(probe)
	}
	return n > 0
}

// room is how many more processes may live. Spares bounds those beyond the places, the ones that are stopping included.
// But where the owner set no bound, an empty place does not wait for a stop, unless very many linger.
func (f *Fleet) room(c census) int {
	switch {
	case f.cfg.Spares < 0:
		return f.target - c.living
	case f.cfg.Spares > 0:
		return f.target + f.cfg.Spares - c.living
	}
	empty := min(f.target-c.places, 3*f.target+lingering-c.living)
	return max(2*f.target-c.living, empty)
}
