package supervisor

import (
	"errors"
	"math"
	"time"

	"github.com/procpool/procpool/event"
	"github.com/procpool/procpool/internal/codec"
	"github.com/procpool/procpool/internal/queue"
	"github.com/procpool/procpool/internal/wire"
)

// settleAnswers resolves the calls that were answered and feeds the worker again.
func (l *link) settleAnswers(h *hands, answers []wire.Frame) error {
	now := l.w.s.cfg.Clock()
	l.mu.Lock()
	runs, first := l.flight.pop(len(answers), h.runs[:])
	n := int(l.flight.first - first)
	s := settling{h: h, turns: turns{since: l.since, each: (now - l.since) / time.Duration(max(n, 1))}}
	s.d.Run = now - l.since
	s.started, s.d.Each = l.look(len(answers), s.d.Run)
	l.since = now
	l.worked += s.d.Run
	l.guard.tellLocked("")
	l.mu.Unlock()

	for i := range runs {
		r := &runs[i]
		if err := l.settleRun(&s, r, answers[s.at:s.at+r.Len()], first+uint64(s.at)); err != nil {
			l.giveBack(runs[i:], first+uint64(s.at))
			clear(runs)
			l.after(&s.d, s.returned, nil)
			return err
		}
	}
	clear(runs)
	l.learn(s.d, s.bytes)
	if len(answers) > n {
		l.after(&s.d, s.returned, nil)
		return nonsense("it answered call %d, which it was never given", answers[n].Seq)
	}
	l.after(&s.d, s.returned, h.runs[:max(len(answers), fewRuns)])
	return nil
}

const (
	quickAnswer = 10 * time.Microsecond
	mostBlind   = 7 // quick answers in a row that are settled without a look at the board
)

// look returns what the board says: which call was started last, and the worker's pace. That takes the line from the worker, 20 to
// 80 ns that a caller waits; so of answers that come quickly and one by one, most are settled without: as if every call had been
// started, and no pace were told. The first is not, which finds out a worker that knows nothing of boards.
func (l *link) look(answers int, took time.Duration) (started uint64, pace time.Duration) {
	if answers == 1 && took < quickAnswer && l.blind < mostBlind {
		l.blind++
		return math.MaxUint64, 0
	}
	l.blind = 0
	return l.board.Started(), l.board.Pace()
}

// settling is a batch of answers while it is settled.
type settling struct {
	h        *hands
	started  uint64 // at most, see look
	turns    turns
	at       int // the answer that comes next
	bytes    int
	d        queue.Settled
	returned []queue.Entry
}

// settleRun resolves a run. What is left of it, when an answer is wrong, stays in it.
func (l *link) settleRun(s *settling, r *queue.Run, answers []wire.Frame, seq uint64) error {
	for len(answers) > 0 {
		n, err := l.readAnswers(s, r, answers, seq)
		if part := r.Cut(n); n > 0 && answers[0].Type != wire.Returned {
			s.bytes += part.Bytes()
			l.ran.Add(int64(n)) // before anyone hears of it
			l.heedPanics(s.h.outcomes[:n])
			s.h.outcomes[0].Spent = l.spent(part.Call)
			l.resolve(&part, s.h.outcomes[:n], &s.d, s.turns, s.at)
		} else if part.Call != nil {
			s.returned = append(s.returned, entriesOf(&part)...)
		}
		for i := range n {
			if answers[i].Flags&wire.FlagRetire != 0 {
				l.w.asked(event.ReasonAsked)
			}
		}
		answers, seq, s.at = answers[n:], seq+uint64(n), s.at+n
		if err != nil {
			return err
		}
	}
	return nil
}

// spent reports whether nobody will read the argument of an answered call any more: it is as large as those that the channel
// refers to, and only this one has, which is done with it.
func (l *link) spent(c *queue.Call) bool {
	return len(c.Data) >= referSize && c.Many == nil && !c.Moved() && l.conn.Sent()
}

// readAnswers makes outcomes of the first answers, up to one that is wrong. It stops where those that return a call begin,
// or end.
func (l *link) readAnswers(s *settling, r *queue.Run, answers []wire.Frame, seq uint64) (n int, err error) {
	returned := answers[0].Type == wire.Returned
	for n < len(answers) && (answers[n].Type == wire.Returned) == returned {
		a := &answers[n]
		if err := l.check(a, seq+uint64(n), r, s.started); err != nil {
			return n, err
		}
		s.bytes += len(a.Body)
		o := &s.h.outcomes[n]
		o.Payload, o.Owned, o.Spent, o.Unused, o.Err = a.Body, a.Owned, false, false, nil // a literal would be copied
		if a.Type == wire.Error {
			o.Payload, o.Err = nil, l.failure(a.Body)
		} else if l.json {
			o.Payload, o.Owned = codec.FromJSON(a.Body), true
		}
		n++
	}
	return n, nil
}

// check tells whether an answer is for the call that comes next.
func (l *link) check(a *wire.Frame, seq uint64, r *queue.Run, started uint64) error {
	switch {
	case a.Seq != seq:
		return nonsense("it answered call %d when call %d was next", a.Seq, seq)
	case a.Type != wire.Returned:
		switch {
		case r.Call == nil:
			return nonsense("it answered call %d, which had been taken back", seq)
		case seq > started:
			return nonsense("it answered call %d, which by its board it had not started", seq)
		}
	case seq == l.board.Started(): // below it cannot be told: the worker may be further by now
		return nonsense("it returned call %d, which by its board it had started", seq)
	case r.Call != nil && seq > l.revoked.Load() && a.Flags&wire.FlagRetire == 0:
		return nonsense("it returned call %d, which nobody had taken back", seq)
	}
	return nil
}

// giveBack puts runs that were popped too early in front of what is in flight.
func (l *link) giveBack(runs []queue.Run, first uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.flight.unpop(runs, first)
}

// heedPanics has a worker replaced that is not to survive a panic.
func (l *link) heedPanics(all []queue.Outcome) {
	if !l.w.s.cfg.OnPanic {
		return
	}
	for i := range all {
		if f, ok := errors.AsType[*queue.Failed](all[i].Err); ok && f.Kind == wire.KindPanic {
			l.w.asked(event.ReasonPanic)
		}
	}
}

func (l *link) failure(body []byte) error {
	var m wire.MessageError
	if err := wire.Unmarshal(wire.Error, body, &m); err != nil {
		m = wire.MessageError{Kind: wire.KindError, Type: "unreadable", Message: err.Error()}
	}
	return &queue.Failed{Kind: m.Kind, Type: m.Type, Message: m.Message, Stack: m.Stack, Sentinels: m.Sentinels}
}

// learn learns how fast the worker is, and keeps it for new ones if it has changed: all who collect share that word.
func (l *link) learn(d queue.Settled, bytes int) {
	l.pace.learn(d.Succeeded+d.Failed+d.Canceled, bytes, d.Run)
	own, kept := l.pace.service, math.Float64frombits(l.w.s.service.Load())
	if own > 0 && math.Abs(own-kept) > own/8 { // 0: all came back
		l.w.s.service.Store(math.Float64bits(own))
	}
}

// adoptLocked takes over what was learned, and sets the guard for what runs next. The caller has the duty.
func (l *link) adoptLocked() {
	l.window, l.interval, l.blocked = l.pace.window, l.pace.service, l.condemned
	l.guard.armLocked()
}

// after returns what was not started to the queue and feeds the worker again, unless it broke the rules: then there is no
// batch. Its reader need not look: who is here has the duty, and goes on.
func (l *link) after(d *queue.Settled, returned []queue.Entry, batch []queue.Run) {
	var owners []any
	if len(returned) > 0 {
		var drained bool
		if owners, drained = l.q.Requeue(&l.seat, returned, false, l.w.tellBack); drained {
			l.w.drained()
		}
	}
	if batch == nil {
		owners = append(owners, l.settle(*d)...)
	} else {
		owners = append(owners, l.feedAs(feeding{done: d, duty: true}, batch)...)
	}
	feedAll(owners...)
	l.w.measureSoon()
	l.w.s.Demand()
}
