package supervisor

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/procpool/procpool/internal/queue"
	"github.com/procpool/procpool/internal/transport"
	"github.com/procpool/procpool/internal/wire"
)

// receiveSize is how much is received at a time.
const receiveSize = 64 << 10

var buffers = sync.Pool{New: func() any { b := make([]byte, receiveSize); return &b }}

// batchLen is how many answers are settled at a time, and how many tasks are taken in their place.
const batchLen = 512

// hands is what somebody who collects works with. The links share them: one has them only while there is something to
// collect, which for most is seldom.
type hands struct {
	p        [receiveSize]byte
	frames   [batchLen]wire.Frame
	runs     [batchLen]queue.Run
	outcomes [batchLen]queue.Outcome
	used     int // frames and outcomes, at most; runs are cleared by whoever used them
}

var handsPool = sync.Pool{New: func() any { return new(hands) }}

// put gives the hands back, empty: what they held would keep calls alive.
func (h *hands) put() {
	clear(h.frames[:h.used])
	clear(h.outcomes[:h.used])
	h.used = 0
	handsPool.Put(h)
}

// Lend takes hands for what is received next. It implements [transport.Lender].
func (l *link) Lend() []byte {
	if l.hands == nil {
		l.hands = handsPool.Get().(*hands)
	}
	return l.scan.Space(l.hands.p[:])
}

// Reclaim puts the hands back, if there are any.
func (l *link) Reclaim() {
	if l.hands != nil {
		l.hands.put()
		l.hands = nil
	}
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
		if !l.duty.take(l.over) {
			return
		}
		err := l.collectAll()
		l.duty.give()
		if err != nil {
			l.broken(err)
			return
		}
	}
}

// collectAll collects until nothing is in flight and the worker is ready. The caller has the duty.
func (l *link) collectAll() error {
	defer l.Reclaim()
	if l.fault != nil {
		return l.fault
	}
	for l.expects() {
		n, err := l.conn.Recv(l)
		if err == nil {
			err = l.collect(n)
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
	leadLong = 10 * time.Millisecond  // or once for so long: see patience
	leadAll  = 32                     // receives in all: his own answer may come elsewhere, or his context end meanwhile
)

// lead collects on behalf of a caller who waits for one answer, until he has it, or it takes too long. He has the duty, and has
// fed the worker; he gives the duty back.
func (l *link) lead(waiter queue.Waiter) {
	most, each := l.patience(waiter)
	for turn, all := 0, 0; turn < most && all < leadAll && !waiter.Ready(); turn, all = turn+1, all+1 {
		n, err := l.conn.Lead(l, each)
		if err == nil && n > 0 {
			turn = 0
			err = l.collect(n)
		}
		if err != nil {
			break // the reader will see it too
		}
	}
	l.Reclaim()
	more := l.owed > 0 || l.fault != nil
	l.sole = nil
	l.duty.give()
	if more {
		l.wake()
	}
}

// patience returns how often a caller blocks his thread, and for how long. To be woken at a time that comes before the
// system's next tick costs ten microseconds, as much as the wait itself; so who is all but sure of his answer asks for a
// late one: his task is the only one here, so that it is not taken back, the worker's tasks have taken little, and nothing
// else ends his wait. Somebody else may have taken his task to another worker before he came: then it is not here.
func (l *link) patience(waiter queue.Waiter) (most int, each time.Duration) {
	alone := l.sole != nil && any(l.sole.Sink) == any(waiter)
	quick := l.pace.service > 0 && !l.pace.unsure && l.pace.service < float64(leadTurn)
	if alone && quick && !waiter.Restless() {
		return 1, leadLong
	}
	return leadMost, leadTurn
}

// nonsense says what a worker sent that it must not send.
func nonsense(format string, args ...any) error {
	return fmt.Errorf(format, args...)
}

// collect takes in the n bytes that the worker has sent, which are in the hands. The caller has the duty. What broke the
// stream is told again and again, as nobody knows what the rest of the bytes mean, and a caller who leads leaves it to the
// reader to act.
func (l *link) collect(n int) error {
	if l.fault == nil {
		l.fault = l.digest(l.hands, n)
	}
	return l.fault
}

func (l *link) digest(h *hands, n int) error {
	l.scan.Came(h.p[:], n)
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

// broken handles a channel that ended or carried nonsense, outside of end.
func (l *link) broken(err error) {
	switch {
	case wrong(err):
		l.w.misbehaved(err)
	case errors.Is(err, io.EOF):
		l.w.silent(silentLooks)
	default: // end is at work
	}
}

// wrong reports whether an error of a channel is the worker's fault.
func wrong(err error) bool {
	return err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, transport.ErrInterrupted) && !errors.Is(err, transport.ErrClosed)
}
