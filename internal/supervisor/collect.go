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
	p       [receiveSize]byte
	answers [batchLen]answer
	entries [batchLen]queue.Entry
	outcome queue.Outcome
	used    int // of answers and entries, at most
}

var handsPool = sync.Pool{New: func() any { return new(hands) }}

// put gives the hands back, empty: what they held would keep calls alive.
func (h *hands) put() {
	clear(h.answers[:h.used])
	clear(h.entries[:h.used])
	h.outcome, h.used = queue.Outcome{}, 0
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

// answer is one frame that answers a call.
type answer struct {
	head  wire.Header
	body  []byte
	owned bool
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
		n, more, err := l.cut(h.answers[:])
		h.used = max(h.used, n)
		if n > 0 {
			if e := l.settleAnswers(h, h.answers[:n]); e != nil {
				return e
			}
		}
		if err != nil {
			return err
		}
		if !more {
			return nil
		}
	}
}

// cut cuts answers from what was received, and handles the other frames on the way.
func (l *link) cut(out []answer) (n int, more bool, err error) {
	for n < len(out) {
		h, body, owned, ok := l.scan.Next()
		if !ok {
			if err = l.scan.Err(); err != nil {
				err = nonsense("%v", err)
			}
			return n, false, err
		}
		switch h.Type {
		case wire.Result, wire.Error, wire.Returned:
			if !l.w.isReady() {
				return n, false, nonsense("it answered call %d before it was ready", h.Seq)
			}
			out[n] = answer{h, body, owned}
			n++
		default:
			if err = l.w.introduce(h, body); err != nil {
				return n, false, err
			}
		}
	}
	return n, true, nil
}

// settleAnswers resolves the calls that were answered and feeds the worker again.
func (l *link) settleAnswers(h *hands, answers []answer) error {
	entries := h.entries[:]
	var d queue.Settled
	now := l.w.s.cfg.Clock()
	l.mu.Lock()
	n, first := l.flight.pop(h.entries[:len(answers)])
	turns := turns{since: l.since, each: (now - l.since) / time.Duration(max(n, 1))}
	d.Run = now - l.since
	l.since = now
	l.worked += d.Run
	l.guard.tellLocked("")
	l.mu.Unlock()

	started := l.board.Started()
	bytes, returned := 0, entries[:0:0]
	for i := range n {
		e, a := &entries[i], &answers[i]
		if err := l.check(a, first+uint64(i), e, started); err != nil {
			l.giveBack(entries[i:n], first+uint64(i))
			l.after(&d, returned, nil)
			return err
		}
		bytes += len(a.body)
		if a.head.Type == wire.Returned {
			if e.Call != nil {
				returned = append(returned, *e)
			}
		} else {
			bytes += len(e.Call.Payload(e.Item))
			l.take(e, a, &h.outcome, &d, turns.span(i, e))
		}
		if a.head.Flags&wire.FlagRetire != 0 {
			l.w.asked(event.ReasonAsked)
		}
	}
	l.learn(d, bytes)
	if len(answers) > n {
		l.after(&d, returned, nil)
		return nonsense("it answered call %d, which it was never given", answers[n].head.Seq)
	}
	h.used = max(h.used, fewEntries)
	l.after(&d, returned, entries[:h.used])
	return nil
}

// check tells whether an answer is for the call that comes next.
func (l *link) check(a *answer, seq uint64, e *queue.Entry, started uint64) error {
	switch {
	case a.head.Seq != seq:
		return nonsense("it answered call %d when call %d was next", a.head.Seq, seq)
	case a.head.Type == wire.Returned && seq == started: // below it cannot be told: the worker may be further by now
		return nonsense("it returned call %d, which by its board it had started", seq)
	case a.head.Type == wire.Returned && e.Call != nil && seq > l.revoked.Load() && a.head.Flags&wire.FlagRetire == 0:
		return nonsense("it returned call %d, which nobody had taken back", seq)
	case a.head.Type == wire.Returned:
	case e.Call == nil:
		return nonsense("it answered call %d, which had been taken back", seq)
	case seq > started:
		return nonsense("it answered call %d, which by its board it had not started", seq)
	}
	return nil
}

// giveBack puts entries that were popped too early in front of what is in flight.
func (l *link) giveBack(entries []queue.Entry, first uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	rest := make([]queue.Entry, l.flight.len())
	l.flight.pop(rest)
	l.flight.first = first
	for _, e := range append(entries, rest...) {
		l.flight.push(e)
	}
}

// take resolves one answered call.
func (l *link) take(e *queue.Entry, a *answer, o *queue.Outcome, d *queue.Settled, s span) {
	l.ran.Add(1) // before anyone hears of it
	*o = queue.Outcome{Payload: a.body, Owned: a.owned}
	if a.head.Type == wire.Error {
		o.Payload, o.Err = nil, l.failure(a.body)
	} else if l.json {
		o.Payload, o.Owned = codec.FromJSON(a.body), true
	}
	l.resolve(e, o, d, s)
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
func (l *link) after(d *queue.Settled, returned, batch []queue.Entry) {
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
