// Package mapper sends items through a pool and hands the results on, in bounded memory, as soon as they may be told.
package mapper

import (
	"context"
	"errors"
	"iter"
	"sync"
	"time"

	"github.com/procpool/procpool"
	"github.com/procpool/procpool/cmd/procpool/internal/items"
	"github.com/procpool/procpool/internal/codec"
)

// Task is what items are mapped with: bytes that were encoded go in, and come out.
type Task = procpool.Task[codec.Raw, codec.Raw]

// Options say how to map.
type Options struct {
	Task      Task
	Format    items.Format
	Window    int  // items ahead of what is told; 0: as many as keep workers busy
	Unordered bool // tell results as they come
	FailFast  bool // the first failure cancels the rest
}

// Result is how an item ended.
type Result struct {
	Item   items.Item
	Output codec.Raw
	Err    error     // an item's own failure
	ID     uint64    // of its task in the pool; 0: it was not sent
	Queued time.Time // when it was sent
}

// Teller takes results, and is flushed soon after one when the next is not there yet. It may find that a success is none.
type Teller interface {
	Tell(*Result) error
	Flush() error
}

// Mapper is one run.
type Mapper struct {
	pool   *procpool.Pool
	opts   Options
	teller Teller
	room   *room
	news   chan struct{}    // wakes the consumer; capacity 1
	due    <-chan time.Time // of the consumer: when what was told is to be flushed; nil: all is

	mu      sync.Mutex
	line    line   // what was sent and not told
	over    bool   // nothing more will be sent
	stopped bool   // what was not sent by now never will be
	fatal   error  // of the input: it ends the run after what was sent
	told    Counts // items
}

// Counts are how many items have been told.
type Counts struct{ Succeeded, Failed int }

// Done is how many there are.
func (c Counts) Done() int { return c.Succeeded + c.Failed }

// lull is how long a result may wait for others before it is printed: nobody sees it, and thousands of results a second, of
// workers that answer singly, take hundreds of writes and not thousands.
const lull = 2 * time.Millisecond

// New returns a run that is not yet begun.
func New(pool *procpool.Pool, o Options, t Teller) *Mapper {
	return &Mapper{pool: pool, opts: o, teller: t, room: newRoom(o.Window), news: make(chan struct{}, 1)}
}

// Run maps the items and returns when all is told: nil, or why the whole could not go on. in ends the run by yielding an
// error.
func (m *Mapper) Run(in iter.Seq2[items.Item, error]) error {
	go m.send(in) // ends with the input, or at stop and when the input next yields; nobody waits for a stuck input
	defer m.halt(0)
	for {
		f := m.next()
		if f == nil {
			break
		}
		if err := m.finish(f); err != nil {
			m.abort(err)
			break
		}
	}
	if err := m.teller.Flush(); err != nil {
		m.abort(err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.fatal
}

// finish tells one item. What was canceled is not told: it has not ended.
func (m *Mapper) finish(f *flight) error {
	r := f.result()
	m.room.leave(f.size, len(r.Output))
	switch {
	case f.dropped.Load() && errors.Is(r.Err, context.Canceled), errors.Is(r.Err, procpool.ErrTerminated):
		return nil
	case isFatal(r.Err):
		return r.Err
	}
	if err := m.teller.Tell(&r); err != nil {
		return err
	}
	if m.due == nil {
		m.due = time.After(lull)
	}
	m.count(r.Err)
	return nil
}

func (m *Mapper) count(err error) {
	if err != nil {
		m.failed() // if it was never sent, nobody has noticed yet
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err != nil {
		m.told.Failed++
	} else {
		m.told.Succeeded++
	}
}

// isFatal reports whether an error is the pool's rather than an item's.
func isFatal(err error) bool {
	_, start := errors.AsType[*procpool.StartError](err)
	return start || errors.Is(err, procpool.ErrUnknownTask) || errors.Is(err, procpool.ErrClosed)
}

// Counts returns what has been told until now.
func (m *Mapper) Counts() Counts {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.told
}

// next returns the flight to be told next, or nil at the end. While it waits, what was told is flushed.
func (m *Mapper) next() *flight {
	for {
		f, wait, end := m.take()
		if f != nil || end {
			return f
		}
		select {
		case <-wait:
		case <-m.news:
		case <-m.due:
			m.due = nil
			if err := m.teller.Flush(); err != nil {
				m.abort(err)
				return nil
			}
		}
	}
}

// take takes a flight that has landed out of the line. If there is none, wait is closed when the first one has, if that
// is what counts, and end tells that none will come.
func (m *Mapper) take() (f *flight, wait <-chan struct{}, end bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.opts.Unordered {
		f = m.line.landed()
	} else if f = m.line.first; f != nil && !f.ready() {
		return nil, f.call.Done(), false
	}
	if f != nil {
		m.line.remove(f)
		return f, nil, false
	}
	return nil, nil, m.line.first == nil && (m.over || m.stopped)
}

func (m *Mapper) poke() {
	select {
	case m.news <- struct{}{}:
	default:
	}
}

// send reads the input and submits.
func (m *Mapper) send(in iter.Seq2[items.Item, error]) {
	for it, err := range in {
		if err != nil {
			m.abort(err)
			return
		}
		if !m.submit(it) {
			return
		}
	}
	m.mu.Lock()
	m.over = true
	m.mu.Unlock()
	m.poke()
}

// abort ends the sending with an error; the first one counts.
func (m *Mapper) abort(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.over = true
	if m.fatal == nil {
		m.fatal = err
	}
	m.poke()
}

// Abort ends the run with an error.
func (m *Mapper) Abort(err error) {
	m.abort(err)
	m.halt(0)
}

// submit sends one item, once there is room. It returns false when no more are to be sent.
func (m *Mapper) submit(it items.Item) bool {
	f := &flight{item: it, size: len(it.Text)}
	raw, err := it.Encode(m.opts.Format)
	if !m.room.enter(f.size) {
		return false
	}
	f.queued = time.Now()
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.stopped {
		return false
	}
	m.line.add(f)
	if err != nil {
		f.err = err
		m.landLocked(f)
		return true
	}
	f.call = m.opts.Task.ApplyAsync(context.Background(), m.pool, raw)
	m.watchLocked(f)
	return true
}

// watchLocked arranges for what must be known of a flight before it is told.
func (m *Mapper) watchLocked(f *flight) {
	switch {
	case m.opts.Unordered:
		land := func() {
			m.mu.Lock()
			defer m.mu.Unlock()
			m.landLocked(f)
		}
		f.call.OnSuccess(func(codec.Raw) { land() }).OnError(func(error) { m.failed(); land() })
	case m.opts.FailFast:
		f.call.OnError(func(error) { m.failed() })
	}
	if m.line.first == f {
		m.poke()
	}
}

func (m *Mapper) landLocked(f *flight) {
	m.line.land(f)
	m.poke()
}

// failed cancels the rest, if one failure is to do that.
func (m *Mapper) failed() {
	if m.opts.FailFast {
		m.halt(0)
	}
}

// Stop lets what runs finish, one item in each busy worker, and nothing else begin. Run returns when that is told.
func (m *Mapper) Stop() { m.halt(m.pool.Stats().Busy) }

// halt ends the sending and cancels what was sent but for the oldest flights that have not ended: tasks start in the
// order in which they were sent, so that those are the running ones. The newest goes first, so that none starts meanwhile.
func (m *Mapper) halt(keep int) {
	m.room.close()
	m.mu.Lock()
	m.stopped = true
	left := m.line.flying()
	m.mu.Unlock()
	m.poke()
	for i := len(left) - 1; i >= keep; i-- {
		if f := left[i]; !f.dropped.Swap(true) {
			f.call.Cancel()
		}
	}
}
