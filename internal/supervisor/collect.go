package supervisor

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/procpool/procpool/event"
	"github.com/procpool/procpool/internal/codec"
	"github.com/procpool/procpool/internal/queue"
	"github.com/procpool/procpool/internal/transport"
	"github.com/procpool/procpool/internal/wire"
)

// receiveSize is how much is received at a time.
const receiveSize = 64 << 10

var buffers = sync.Pool{New: func() any { b := make([]byte, receiveSize); return &b }}

// batchLen is how many answers are settled at a time, and how many tasks are taken in their place.
const batchLen = 128

// hands is what somebody who collects works with. Few collect at a time, so the links share them.
type hands struct {
	p        [receiveSize]byte
	frames   [batchLen]wire.Frame
	runs     [batchLen]queue.Run
	outcomes [batchLen]queue.Outcome
	used     int // of each, at most
}

var handsPool = sync.Pool{New: func() any { return new(hands) }}

// put gives the hands back, empty: what they held would keep calls alive.
func (h *hands) put() {
	clear(h.frames[:h.used])
	clear(h.runs[:h.used])
	clear(h.outcomes[:h.used])
	h.used = 0
	handsPool.Put(h)
}

// read is the worker's reader: it collects while something is in flight and nobody else does. Started by the worker's
// live, which waits for it; ends at end, or when the channel breaks.
func (l *link) read() {
	for {
		select {
		case <-l.work:
		case <-l.over:
			return
		}
		select {
		case <-l.duty:
		case <-l.over:
			return
		}
		err := l.collectAll()
		l.duty <- struct{}{}
		if err != nil {
			l.broken(err)
			return
		}
	}
}

// collectAll collects until nothing is in flight and the worker is ready. The caller has the duty.
func (l *link) collectAll() error {
	h := handsPool.Get().(*hands)
	defer h.put()
	if l.fault != nil {
		return l.fault
	}
	for l.expects() {
		n, err := l.conn.Recv(h.p[:])
		if err == nil {
			err = l.collect(h, n)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// expects reports whether the worker owes an answer.
func (l *link) expects() bool {
	if !l.w.isReady() {
		return true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.flight.len() > 0
}

const (
	leadTurn = 200 * time.Microsecond // a caller blocks its thread for so long at a time
	leadMost = 5                      // and so many times, before it leaves the waiting to the reader
)

// lead collects on behalf of a caller who waits for one answer, until he has it, or it takes too long.
func (l *link) lead(waiter queue.Waiter) {
	select {
	case <-l.duty:
	default:
		l.wake()
		return
	}
	h := handsPool.Get().(*hands)
	for turn := 0; turn < leadMost && !waiter.Ready(); turn++ {
		n, err := l.conn.Lead(h.p[:], leadTurn)
		if err == nil && n > 0 {
			turn = 0
			err = l.collect(h, n)
		}
		if err != nil {
			break // the reader will see it too
		}
	}
	h.put()
	broken := l.fault != nil
	l.duty <- struct{}{}
	if broken || l.expects() {
		l.wake()
	}
}

// nonsense says what a worker sent that it must not send.
func nonsense(format string, args ...any) error {
	return fmt.Errorf(format, args...)
}

// collect takes in the n bytes that the worker has sent. The caller has the duty. What broke the stream is told again and
// again, as nobody knows what the rest of the bytes mean, and a caller who leads leaves it to the reader to act.
func (l *link) collect(h *hands, n int) error {
	if l.fault == nil {
		l.fault = l.digest(h, n)
	}
	return l.fault
}

func (l *link) digest(h *hands, n int) error {
	l.scan.Feed(h.p[:n])
	for {
		n := l.scan.Cut(h.frames[:])
		h.used = max(h.used, n)
		if err := l.handle(h, h.frames[:n]); err != nil {
			return err
		}
		if n == len(h.frames) {
			continue
		}
		if err := l.scan.Err(); err != nil {
			return nonsense("%v", err)
		}
		return nil
	}
}

// handle handles frames, answers that follow each other at once.
func (l *link) handle(h *hands, frames []wire.Frame) error {
	for len(frames) > 0 {
		n := answers(frames)
		var err error
		switch {
		case n == 0:
			n, err = 1, l.w.introduce(frames[0].Header, frames[0].Body)
		case !l.w.isReady():
			err = nonsense("it answered call %d before it was ready", frames[0].Seq)
		default:
			err = l.settleAnswers(h, frames[:n])
		}
		if err != nil {
			return err
		}
		frames = frames[n:]
	}
	return nil
}

// answers returns how many of the first frames answer calls.
func answers(frames []wire.Frame) (n int) {
	for n < len(frames) && (frames[n].Type == wire.Result || frames[n].Type == wire.Error || frames[n].Type == wire.Returned) {
		n++
	}
	return n
}

// settleAnswers resolves the calls that were answered and feeds the worker again.
func (l *link) settleAnswers(h *hands, answers []wire.Frame) error {
	now := l.w.s.cfg.Clock()
	l.mu.Lock()
	runs, first := l.flight.pop(len(answers), h.runs[:])
	n := 0
	for i := range runs {
		n += runs[i].Len()
	}
	s := settling{h: h, started: l.board.Started(), turns: turns{since: l.since, each: (now - l.since) / time.Duration(max(n, 1))}}
	s.d.Run = now - l.since
	l.since = now
	l.worked += s.d.Run
	l.guard.tellLocked("")
	l.mu.Unlock()

	for i := range runs {
		r := &runs[i]
		if err := l.settleRun(&s, r, answers[s.at:s.at+r.Len()], first+uint64(s.at)); err != nil {
			l.giveBack(runs[i:], first+uint64(s.at))
			l.after(&s.d, s.returned, nil)
			return err
		}
	}
	l.learn(s.d, s.bytes)
	if len(answers) > n {
		l.after(&s.d, s.returned, nil)
		return nonsense("it answered call %d, which it was never given", answers[n].Seq)
	}
	h.used = max(h.used, fewRuns)
	l.after(&s.d, s.returned, h.runs[:h.used])
	return nil
}

// settling is a batch of answers while it is settled.
type settling struct {
	h        *hands
	started  uint64 // by the board
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
		*o = queue.Outcome{Payload: a.Body, Owned: a.Owned}
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
	case seq == started: // below it cannot be told: the worker may be further by now
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

func (l *link) failure(body []byte) error {
	var m wire.MessageError
	if err := wire.Unmarshal(wire.Error, body, &m); err != nil {
		m = wire.MessageError{Kind: wire.KindError, Type: "unreadable", Message: err.Error()}
	}
	if m.Kind == wire.KindPanic && l.w.s.cfg.OnPanic {
		l.w.asked(event.ReasonPanic)
	}
	return &queue.Failed{Kind: m.Kind, Type: m.Type, Message: m.Message, Stack: m.Stack, Sentinels: m.Sentinels}
}

// learn updates the window, and sets the guard for what runs next.
func (l *link) learn(d queue.Settled, bytes int) {
	l.pace.learn(d.Succeeded+d.Failed+d.Canceled, bytes, d.Run)
	l.mu.Lock()
	l.window, l.interval, l.blocked = l.pace.window, l.pace.service, l.condemned
	l.guard.armLocked()
	l.mu.Unlock()
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
		l.settle(*d)
	} else if next := l.feedFrom(d, batch); next != nil {
		owners = append(owners, next)
	}
	feedAll(owners...)
	l.w.measureSoon()
	l.w.s.Demand()
}

// broken handles a channel that ended or carried nonsense, outside of end.
func (l *link) broken(err error) {
	switch {
	case errors.Is(err, transport.ErrInterrupted), errors.Is(err, transport.ErrClosed):
		return // end is at work
	case errors.Is(err, io.EOF):
		l.w.silent()
	default:
		l.w.misbehaved(err)
	}
}
