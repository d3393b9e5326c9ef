package procpool

import (
	"errors"
	"math/bits"
	"sync/atomic"

	"github.com/procpool/procpool/internal/queue"
)

const (
	batchMost  = 64      // values travel together at most: as many as a word has bits
	batchBytes = 4 << 10 // from this size on a value travels alone
)

// batch is values of an IMap's input that follow each other and travel together; each is a task of its own. It is the sink
// of their call.
type batch[In, Out any] struct {
	run        *stream[In, Out]
	prev, next *batch[In, Out] // guarded by run.mu, as all up to ends
	resolved   uint64          // a bit for each value: its result is set
	yielded    int             // values that the consumer got
	errs       []error         // nil: no value has failed
	ends       []uint64        // see queue.Call.Many; immutable once it is submitted

	index   int // of the first value
	call    queue.Call
	claimed atomic.Uint64 // a bit for each value: somebody sets its result
	values  []Out         // made when it is submitted; each is guarded by its two bits

	// What a single value needs.
	buf     [16]byte
	endsOne [2]uint64
	one     [1]Out
}

// part is values of a batch that have resolved.
type part[In, Out any] struct {
	of       *batch[In, Out]
	from, to int
	errs     []error
}

// item returns a value for the consumer, whose alone it is: others of the batch may take long.
func (p part[In, Out]) item(i int) Item[Out] {
	it := Item[Out]{Index: p.of.index + i, Value: p.of.values[i]}
	clear(p.of.values[i : i+1])
	if p.errs != nil {
		it.Err = p.errs[i]
	}
	return it
}

func (b *batch[In, Out]) len() int { return len(b.ends) - 1 }

// all is a bit for each value.
func (b *batch[In, Out]) all() uint64 { return span(0, b.len()) }

// span is the bits from one place to another.
func span(from, to int) uint64 { return ^uint64(0) << from & (^uint64(0) >> (batchMost - to)) }

// add adds an encoded value, while the batch is open.
func (b *batch[In, Out]) add(data []byte) {
	b.call.Data = append(b.call.Data, data...)
	if len(b.ends) == cap(b.ends) {
		b.ends = append(make([]uint64, 0, batchMost+1), b.ends...)
	}
	b.ends = append(b.ends, uint64(len(b.call.Data)))
}

// submit hands the batch in, which gets no more values.
func (b *batch[In, Out]) submit() error {
	s := b.run
	if err := s.ctx.Err(); err != nil {
		return err
	}
	if b.values = b.one[:]; b.len() > 1 {
		b.values = make([]Out, b.len())
	}
	c := &b.call
	c.Task, c.Many, c.Sink, c.Deadline = &s.task.options().task, &b.ends, b, deadlineOf(s.ctx)
	_, err := s.desk.Submit(c, true, nil) // a call of many never waits to enter
	return err
}

// Resolve takes the outcomes of values that follow each other.
func (b *batch[In, Out]) Resolve(from int32, all []queue.Outcome) {
	at, end := int(from), int(from)+len(all)
	taken := b.claimed.Or(span(at, end)) // these were aborted, and may be at the consumer
	for i := range all {
		if all[i].Unused = taken&(1<<(at+i)) != 0; !all[i].Unused {
			all[i].Err = decodeOutcome(b.run.task.core.out, b.call.Task.Name, &all[i], &b.values[at+i])
		}
	}
	if taken&span(at, end) != 0 {
		b.resolveSingly(at, all)
		return
	}
	if !b.resolve(at, end, all) {
		for i := range all {
			all[i].Unused = true
		}
	}
}

// resolveSingly resolves those values that were not aborted.
func (b *batch[In, Out]) resolveSingly(at int, all []queue.Outcome) {
	for i := range all {
		if o := &all[i]; !o.Unused {
			o.Unused = !b.resolve(at+i, at+i+1, all[i:i+1])
		}
	}
}

// resolve makes values ready to be yielded. It returns false if nobody wants them any more.
func (b *batch[In, Out]) resolve(from, to int, all []queue.Outcome) bool {
	s := b.run
	s.mu.Lock()
	if s.stopped {
		s.mu.Unlock()
		return false
	}
	for i := range all {
		if all[i].Err != nil {
			b.failLocked(from+i, all[i].Err)
		}
	}
	wake := b.resolveLocked(from, to)
	s.under -= to - from
	due := s.dueLocked()
	s.mu.Unlock()
	if wake {
		poke(s.news)
	}
	if due {
		s.submit()
	}
	return true
}

// resolveLocked marks values as ready to be yielded. It reports whether the consumer may wait for them.
func (b *batch[In, Out]) resolveLocked(from, to int) (wake bool) {
	s := b.run
	b.resolved |= span(from, to)
	if s.ordered {
		return s.first == b && from <= b.yielded
	}
	wake = len(s.ready) == 0
	s.ready = append(s.ready, part[In, Out]{b, from, to, b.errs})
	return wake
}

func (b *batch[In, Out]) failLocked(i int, err error) {
	if b.errs == nil {
		b.errs = make([]error, b.len())
	}
	b.errs[i] = err
}

// Abort resolves what is left without its task.
func (b *batch[In, Out]) Abort(err error) {
	s := b.run
	s.mu.Lock()
	if errors.Is(err, ErrTerminated) {
		s.failLocked(err)
	}
	b.abortLocked(err)
	s.mu.Unlock()
	poke(s.news)
	s.submit()
}

func (b *batch[In, Out]) abortLocked(err error) {
	s := b.run
	left := b.all() &^ b.claimed.Or(b.all())
	for left != 0 && !s.stopped {
		from := bits.TrailingZeros64(left)
		to := from + bits.TrailingZeros64(^(left >> from))
		left &^= span(from, to)
		for i := from; i < to; i++ {
			b.failLocked(i, err)
		}
		b.resolveLocked(from, to)
		s.under -= to - from
	}
}

// nextLocked returns the values that can be yielded next, in order, as yielded.
func (b *batch[In, Out]) nextLocked() (p part[In, Out], some bool) {
	n := bits.TrailingZeros64(^(b.resolved >> b.yielded))
	if n == 0 {
		return p, false
	}
	p = part[In, Out]{b, b.yielded, b.yielded + n, b.errs}
	b.yieldLocked(n)
	return p, true
}

// yieldLocked counts values as yielded. A batch that has no more is forgotten.
func (b *batch[In, Out]) yieldLocked(n int) {
	if b.yielded += n; b.yielded == b.len() {
		b.run.unlinkLocked(b)
	}
}
