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

// stream is one range over an IMap: a producer, which reads the input and submits, and a consumer.
type stream[In, Out any] struct {
	ctx     context.Context
	task    Task[In, Out]
	desk    queue.Desk
	ordered bool
	room    chan struct{} // wakes the producer; capacity 1
	news    chan struct{} // wakes the consumer; capacity 1
	window  window        // owned by the consumer
	given   atomic.Int64  // values handed to the consumer

	mu          sync.Mutex
	first, last *piece[In, Out]   // read and not yielded, in input order
	ready       []*piece[In, Out] // of these, resolved ones in completion order, if not ordered
	read        int               // values taken from the input
	limit       int               // most that may be read and not given
	over        bool              // the input has ended
	stopped     bool              // the consumer has left
	failure     error             // of the whole
	panicked    any               // the input's panic
}

// piece is one value of the input on its way. It is the sink of its call.
type piece[In, Out any] struct {
	run        *stream[In, Out]
	prev, next *piece[In, Out] // guarded by run.mu
	resolved   bool            // guarded by run.mu
	claimed    atomic.Bool     // somebody sets value and err
	index      int
	call       queue.Call
	value      Out
	err        error
	buf        [16]byte
}

func newStream[In, Out any](ctx context.Context, t Task[In, Out], ex Executor, ordered bool) *stream[In, Out] {
	s := &stream[In, Out]{
		ctx: ctx, task: t, desk: ex.Desk(), ordered: ordered,
		room: make(chan struct{}, 1), news: make(chan struct{}, 1),
	}
	s.window.begin(t.options().window, s.desk.Processes())
	s.limit = s.window.size
	s.failure = t.options().err
	return s
}

func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// produce reads the input and submits. It runs on a goroutine of its own.
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
		s.over, s.panicked = true, v
		s.mu.Unlock()
		poke(s.news)
	}()
	if s.awaitRoom() {
		for v := range in {
			if !s.submit(&v) || !s.awaitRoom() {
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
		end := s.stopped || s.failure != nil
		free := s.read-int(s.given.Load()) < s.limit
		s.mu.Unlock()
		if end || free {
			return !end
		}
		select {
		case <-s.room:
		case <-s.ctx.Done():
			return false
		}
	}
}

// submit submits one value. It returns false when the whole has failed, or the consumer has left.
func (s *stream[In, Out]) submit(v *In) bool {
	p := &piece[In, Out]{run: s}
	if !s.enlist(p) {
		return false
	}
	err := s.hand(p, v)
	switch {
	case err == nil:
		return true
	case errors.Is(err, ErrClosed), errors.Is(err, ErrTerminated), err == s.ctx.Err():
		s.fail(err, p)
		return false
	}
	p.finish(err)
	return true
}

// hand encodes a value and submits it, waiting for room in the queue.
func (s *stream[In, Out]) hand(p *piece[In, Out], v *In) error {
	data, err := s.task.core.in.Append(p.buf[:0], v)
	if err == nil && len(data) > wire.MaxPayload {
		err = tooLarge(len(data))
	}
	if err != nil {
		return &EncodeError{Task: s.task.core.name, Err: err}
	}
	c := &p.call
	c.Task, c.Data, c.Sink, c.Deadline = &s.task.options().task, data, p, deadlineOf(s.ctx)
	entered, err := s.desk.Submit(c, true, nil)
	if err == nil && entered != nil {
		err = awaitRoom(s.ctx, s.desk, c, entered)
	}
	return err
}

// enlist adds a piece to those that are under way.
func (s *stream[In, Out]) enlist(p *piece[In, Out]) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return false
	}
	p.index = s.read
	s.read++
	p.prev = s.last
	if s.last == nil {
		s.first = p
	} else {
		s.last.next = p
	}
	s.last = p
	return true
}

func (s *stream[In, Out]) unlinkLocked(p *piece[In, Out]) {
	if p.prev == nil {
		s.first = p.next
	} else {
		p.prev.next = p.next
	}
	if p.next == nil {
		s.last = p.prev
	} else {
		p.next.prev = p.prev
	}
	p.prev, p.next = nil, nil
}

// fail ends the whole: what is under way is still yielded, then err. The piece p was not accepted.
func (s *stream[In, Out]) fail(err error, p *piece[In, Out]) {
	s.mu.Lock()
	s.unlinkLocked(p)
	s.failLocked(err)
	s.mu.Unlock()
	poke(s.news)
}

func (s *stream[In, Out]) failLocked(err error) {
	if s.failure == nil {
		s.failure = err
	}
}

// Resolve takes the outcome of a piece.
func (p *piece[In, Out]) Resolve(_ int32, all []queue.Outcome) {
	o := &all[0]
	if o.Unused = p.claimed.Swap(true); o.Unused { // it was aborted, and may be at the consumer
		return
	}
	o.Err = decodeOutcome(p.run.task.core.out, p.call.Task.Name, o, &p.value)
	o.Unused = !p.finish(o.Err)
}

// Abort resolves a piece without its task.
func (p *piece[In, Out]) Abort(err error) {
	if errors.Is(err, ErrTerminated) {
		s := p.run
		s.mu.Lock()
		s.failLocked(err)
		s.mu.Unlock()
	}
	if !p.claimed.Swap(true) {
		p.finish(err)
	}
}

// finish makes a piece ready to be yielded. The caller has claimed it, or nobody else knows it.
func (p *piece[In, Out]) finish(err error) bool {
	s := p.run
	s.mu.Lock()
	if s.stopped {
		s.mu.Unlock()
		return false
	}
	p.resolved = true
	p.err = err
	first := len(s.ready) == 0
	if !s.ordered {
		s.ready = append(s.ready, p)
	} else {
		first = s.first == p
	}
	s.mu.Unlock()
	if first {
		poke(s.news)
	}
	return true
}

// items yields what is ready, and waits for more.
func (s *stream[In, Out]) items(yield func(Item[Out]) bool) {
	var batch []*piece[In, Out]
	for {
		var end bool
		if batch, end = s.take(batch[:0]); end {
			s.close(yield)
			return
		}
		for _, p := range batch {
			s.give()
			if !yield(Item[Out]{p.index, p.value, p.err}) {
				return
			}
		}
		if len(batch) > 0 {
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

// take moves what is ready to batch. It reports end when nothing will be any more.
func (s *stream[In, Out]) take(batch []*piece[In, Out]) (_ []*piece[In, Out], end bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if errors.Is(s.failure, ErrTerminated) || s.ctx.Err() != nil {
		s.failLocked(s.ctx.Err())
		return batch, true
	}
	if s.ordered {
		for p := s.first; p != nil && p.resolved; p = s.first {
			s.unlinkLocked(p)
			batch = append(batch, p)
		}
	} else {
		batch = append(batch, s.ready...)
		clear(s.ready)
		s.ready = s.ready[:0]
		for _, p := range batch {
			s.unlinkLocked(p)
		}
	}
	s.limit = s.window.next(len(batch))
	return batch, len(batch) == 0 && s.first == nil && (s.over || s.failure != nil)
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
	var left []*piece[In, Out]
	for p := s.first; p != nil; p = p.next {
		if !p.resolved {
			left = append(left, p)
		}
	}
	s.mu.Unlock()
	poke(s.room)
	for _, p := range left {
		s.desk.Cancel(&p.call)
	}
}

// window is how far the input may run ahead of the consumer: as asked, or about a millisecond of work.
type window struct {
	size        int
	least, most int // size adapts between them
	last        time.Time
	each        float64 // nanoseconds between results, smoothed
}

const mostAhead = 4096

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
		each := float64(now.Sub(w.last)) / float64(n)
		if w.each == 0 {
			w.each = each
		}
		w.each += (each - w.each) / 8
		target := int(float64(time.Millisecond) / max(w.each, 1))
		w.size = min(max(w.least, target), 2*w.size, w.most)
	}
	w.last = now
	return w.size
}
