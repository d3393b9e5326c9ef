package procpool

import (
	"context"
	"errors"
	"iter"
	"sync"
	"sync/atomic"
	"time"

	"github.com/procpool/procpool/internal/queue"
	"github.com/procpool/procpool/internal/wire"
)

// stream is one range over an IMap: a producer, which reads the input, and a consumer. Values travel to the pool in
// batches. A batch is submitted by whoever finds it due: the producer, or who resolves what was under way.
type stream[In, Out any] struct {
	ctx     context.Context
	task    Task[In, Out]
	desk    queue.Desk
	ordered bool
	busy    int           // values under way that keep the pool busy
	room    chan struct{} // wakes the producer; capacity 1
	news    chan struct{} // wakes the consumer; capacity 1
	window  window        // owned by the consumer
	given   atomic.Int64  // values handed to the consumer
	scratch []byte        // owned by the producer

	mu          sync.Mutex
	first, last *batch[In, Out] // read and not all yielded, in input order
	open        *batch[In, Out] // the last, if it may get more values
	unsent      *batch[In, Out] // the first that is not submitted
	submitting  *batch[In, Out] // is being submitted: nobody else touches its call
	under       int             // values submitted and not resolved
	ready       []part[In, Out] // resolved and not yielded, in completion order, if not ordered
	read        int             // values taken from the input
	limit       int             // most that may be read and not given
	waits       bool            // the producer adds nothing for now, or any more
	over        bool            // the input has ended
	stopped     bool            // the consumer has left
	failure     error           // of the whole
	panicked    any             // the input's panic
}

func newStream[In, Out any](ctx context.Context, t Task[In, Out], ex Executor, ordered bool) *stream[In, Out] {
	s := &stream[In, Out]{
		ctx: ctx, task: t, desk: ex.Desk(), ordered: ordered,
		room: make(chan struct{}, 1), news: make(chan struct{}, 1),
	}
	s.window.begin(t.options().window, s.desk.Processes())
	s.limit = s.window.size
	s.busy = 2 * s.desk.Processes()
	s.failure = t.options().err
	return s
}

func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// produce reads the input. It runs on a goroutine of its own.
func (s *stream[In, Out]) produce(in iter.Seq[In]) {
	clean := false
	defer func() {
		var v any
		if !clean {
			if v = recover(); v == nil {
				v = errors.New("procpool: the input of an IMap called runtime.Goexit")
			}
		}
		s.mu.Lock()
		s.over, s.waits, s.panicked = true, true, v
		s.mu.Unlock()
		s.submit()
		poke(s.news)
	}()
	if s.awaitRoom() {
		for v := range in {
			if !s.add(&v) {
				break
			}
		}
	}
	clean = true
}

// awaitRoom waits until one more value may be taken. It returns false when there is nothing more to do.
func (s *stream[In, Out]) awaitRoom() bool {
	for {
		s.mu.Lock()
		end, free := s.endedLocked(), s.freeLocked()
		s.waits = !end && !free
		s.mu.Unlock()
		if end || free {
			return !end
		}
		s.submit()
		select {
		case <-s.room:
		case <-s.ctx.Done():
			return false
		}
	}
}

func (s *stream[In, Out]) endedLocked() bool { return s.stopped || s.failure != nil }
func (s *stream[In, Out]) freeLocked() bool  { return s.read-int(s.given.Load()) < s.limit }

// add takes a value of the input, and waits until there may be another. It returns false when there is nothing more to do.
func (s *stream[In, Out]) add(v *In) bool {
	data, err := s.task.core.in.Append(s.scratch[:0], v)
	if err == nil && len(data) > wire.MaxPayload {
		err = tooLarge(len(data))
	}
	s.mu.Lock()
	if s.endedLocked() {
		s.mu.Unlock()
		return false
	}
	switch {
	case err != nil:
		s.addFailedLocked(&EncodeError{Task: s.task.core.name, Err: err})
	case len(data) >= batchBytes:
		s.beginLocked().call.Data = data
		s.open.ends = append(s.open.ends, uint64(len(data)))
		s.open, s.scratch = nil, nil
	default:
		if s.open == nil {
			s.beginLocked()
		}
		s.open.add(data)
		if s.scratch = data; s.open.len() == batchMost {
			s.open = nil
		}
	}
	s.read++
	due, free := s.dueLocked(), s.freeLocked()
	s.mu.Unlock()
	if err != nil {
		poke(s.news)
	}
	if due {
		s.submit()
	}
	return free || s.awaitRoom()
}

// addFailedLocked adds a value that cannot be sent.
func (s *stream[In, Out]) addFailedLocked(err error) {
	b := s.beginLocked()
	s.open = nil
	if s.unsent == b {
		s.unsent = nil
	}
	b.add(nil)
	b.values = b.one[:]
	b.claimed.Store(1)
	b.failLocked(0, err)
	b.resolveLocked(0, 1)
}

// beginLocked begins a batch behind all others.
func (s *stream[In, Out]) beginLocked() *batch[In, Out] {
	b := &batch[In, Out]{run: s, index: s.read, prev: s.last}
	b.call.Data, b.ends = b.buf[:0], b.endsOne[:1]
	if s.last == nil {
		s.first = b
	} else {
		s.last.next = b
	}
	if s.unsent == nil {
		s.unsent = b
	}
	s.last, s.open = b, b
	return b
}

// dueLocked reports whether a batch is to be submitted now: it gets no more values, or the pool might run out of work. It is
// held back only while the pool is busy and has twice as many values before it.
func (s *stream[In, Out]) dueLocked() bool {
	return s.unsent != nil && s.submitting == nil && !s.endedLocked() &&
		(s.unsent != s.open || s.waits || s.under < s.busy+2*s.open.len())
}

// submit submits what is due. One does so at a time, in input order. It never blocks.
func (s *stream[In, Out]) submit() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.dueLocked() {
		b := s.unsent
		s.unsent = b.next
		for s.unsent != nil && s.unsent.resolved != 0 { // was never to be sent
			s.unsent = s.unsent.next
		}
		if s.open == b {
			s.open = nil
		}
		s.under += b.len()
		s.submitting = b
		s.mu.Unlock()
		err := b.submit()
		s.mu.Lock()
		s.submitting = nil
		switch {
		case err != nil:
			s.refusedLocked(b, err)
		case s.stopped && b.resolved != b.all(): // the consumer left meanwhile, and could not cancel it
			s.mu.Unlock()
			s.desk.Cancel(&b.call)
			s.mu.Lock()
		}
	}
}

// refusedLocked takes in that a batch was not accepted. Where that is for good, it ends the whole: what is under way is
// still yielded, then err. Else, while workers cannot start, its values have failed.
func (s *stream[In, Out]) refusedLocked(b *batch[In, Out], err error) {
	defer poke(s.news)
	if !errors.Is(err, ErrClosed) && !errors.Is(err, ErrTerminated) && err != s.ctx.Err() {
		b.abortLocked(err)
		return
	}
	s.under -= b.len()
	for b != nil {
		next := b.next
		if b.resolved == 0 {
			s.unlinkLocked(b)
		}
		b = next
	}
	s.open, s.unsent = nil, nil
	s.failLocked(err)
}

func (s *stream[In, Out]) failLocked(err error) {
	if s.failure == nil {
		s.failure = err
	}
}

func (s *stream[In, Out]) unlinkLocked(b *batch[In, Out]) {
	if b.prev == nil {
		s.first = b.next
	} else {
		b.prev.next = b.next
	}
	if b.next == nil {
		s.last = b.prev
	} else {
		b.next.prev = b.prev
	}
	b.prev, b.next = nil, nil
}

// items yields what is ready, and waits for more.
func (s *stream[In, Out]) items(yield func(Item[Out]) bool) {
	var parts []part[In, Out]
	for {
		var end bool
		if parts, end = s.take(parts[:0]); end {
			s.close(yield)
			return
		}
		for _, p := range parts {
			for i := p.from; i < p.to; i++ {
				s.give()
				if !yield(p.item(i)) {
					return
				}
			}
		}
		if len(parts) > 0 {
			clear(parts) // their batches are done with
			poke(s.room)
			continue
		}
		select {
		case <-s.news:
		case <-s.ctx.Done():
			yield(Item[Out]{Index: -1, Err: s.ctx.Err()})
			return
		}
	}
}

// give counts a value that the consumer gets, and wakes the producer when there is some room for more.
func (s *stream[In, Out]) give() {
	if n := s.given.Add(1); n%int64(1+s.window.size/8) == 0 {
		poke(s.room)
	}
}

// take moves what is ready to parts. It reports end when nothing will be any more.
func (s *stream[In, Out]) take(parts []part[In, Out]) (_ []part[In, Out], end bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if errors.Is(s.failure, ErrTerminated) || s.ctx.Err() != nil {
		s.failLocked(s.ctx.Err())
		return parts, true
	}
	if s.ordered {
		for b := s.first; b != nil; b = s.first {
			if p, some := b.nextLocked(); some {
				parts = append(parts, p)
			}
			if s.first == b { // it has not been yielded as a whole
				break
			}
		}
	} else {
		parts = append(parts, s.ready...)
		clear(s.ready)
		s.ready = s.ready[:0]
		for _, p := range parts {
			p.of.yieldLocked(p.to - p.from)
		}
	}
	n := 0
	for _, p := range parts {
		n += p.to - p.from
	}
	s.limit = s.window.next(n)
	return parts, n == 0 && s.first == nil && (s.over || s.failure != nil)
}

// close yields the failure of the whole, if there is one, and passes on the input's panic.
func (s *stream[In, Out]) close(yield func(Item[Out]) bool) {
	s.mu.Lock()
	err, v := s.failure, s.panicked
	s.mu.Unlock()
	if v != nil {
		panic(v)
	}
	if err != nil {
		yield(Item[Out]{Index: -1, Err: err})
	}
}

// stop cancels what is left. The producer's goroutine ends when the input next yields.
func (s *stream[In, Out]) stop() {
	s.mu.Lock()
	s.stopped = true
	var left []*batch[In, Out]
	for b := s.first; b != nil && b != s.unsent; b = b.next {
		if b.resolved != b.all() && b != s.submitting {
			left = append(left, b)
		}
	}
	s.mu.Unlock()
	poke(s.room)
	for _, b := range left {
		s.desk.Cancel(&b.call)
	}
}

// window is how far the input may run ahead of the consumer: as asked, or about a millisecond of work.
type window struct {
	size        int
	least, most int // size adapts between them
	last        time.Time
	took        time.Duration // for the last results, of so many
	results     float64
}

const (
	mostAhead = 4096
	remember  = 8 * time.Millisecond // how long ago what the window goes by may be
)

func (w *window) begin(asked, processes int) {
	if asked > 0 {
		*w = window{size: asked, least: asked, most: asked}
		return
	}
	least := min(4*max(processes, 1), mostAhead)
	*w = window{size: least, least: least, most: mostAhead}
}

// next returns the window after n more results.
func (w *window) next(n int) int {
	if n == 0 || w.least == w.most {
		return w.size
	}
	now := time.Now()
	if !w.last.IsZero() {
		w.took += now.Sub(w.last)
		w.results += float64(n)
		target := int(w.results * float64(time.Millisecond) / float64(max(w.took, 1)))
		w.size = min(max(w.least, target), 2*w.size, w.most)
		for w.took > remember {
			w.took, w.results = w.took/2, w.results/2
		}
	}
	w.last = now
	return w.size
}
