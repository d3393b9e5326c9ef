package transport

import (
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// Ring is a Conn over two rings in shared memory, and two pipes beside them: one brings control frames to the worker, the
// other, the doorbell, wakes the pool's poller and ends when the worker does.
//
// What Send has no room for goes on when somebody receives. TryRecv notices the worker's end only after Interrupt.
//
// Either side sleeps only after it has told the other and looked once more, and publishes first and then looks whether the
// other sleeps; so none sleeps while there is something for it. Each of these stores must be seen before the load that
// comes after it. They are written as Swap, because Store is not that strong in a program built with -race.
type Ring struct {
	pipe  *Pipe
	waits *atomic.Uint32 // how we wait: what the worker has to do when there is something
	sleep *atomic.Uint32 // the worker sleeps
	spin  *atomic.Uint32 // whether the worker may spin, see crowd

	interrupted atomic.Bool
	closed      atomic.Bool
	refused     atomic.Bool // spinning is not welcome
	pending     atomic.Bool // the backlog is not empty
	corrupted   atomic.Bool // the worker broke the cursor that Send reads
	parted      atomic.Bool // spinning is worth another try

	// Owned by whoever receives.
	in       ringReader
	spins    spinner
	spinning bool // the word spin says that the worker may
	streams  bool // the last Recv found much
	bells    int  // received since the worker last sent anything
	ended    bool
	broken   error
	from     Lender
	n        int
	err      error
	receive  func(uintptr) bool // c.received, made once
	ready    func() bool        // c.in.ready
	unstick  func()             // c.flush

	mu      sync.Mutex // guards what follows; a leaf, never held over a wait
	out     ringWriter
	crowd   crowd
	backlog backlog
	gone    error // why nothing more can be sent

	life sync.Mutex // of Interrupt and Close: once closed, the board may be unmapped
}

// maxBells is how many bytes a worker may put into its doorbell without sending anything. An honest one needs one byte each
// time the pool sleeps.
const maxBells = 1 << 20

// NewRing makes a channel over a board's rings. The worker gets control frames from files[0] and the doorbell as files[1];
// the caller closes both once the worker has them. The board must stay open until after Close.
func NewRing(b *Board) (c *Ring, files []*os.File, err error) {
	calls, results, ok := b.rings()
	if !ok {
		return nil, nil, fmt.Errorf("the board has no rings: %d bytes", len(b.mem))
	}
	pipe, files, err := NewPipe()
	if err != nil {
		return nil, nil, err
	}
	c = &Ring{
		pipe:  pipe,
		waits: b.word32(boardWaits), sleep: b.word32(boardAsleep), spin: b.word32(boardSpin),
		in: ringReader{ring: results}, out: ringWriter{ring: calls},
		spins: spinner{failed: spinTries - 1}, // whether this worker is one to spin for is not known
	}
	c.in.wake = func() { futexWake(results.wanted) }
	c.receive, c.ready, c.unstick = c.received, c.in.ready, c.flush
	c.SetSpin(!oneProcessor) // the worker could not answer meanwhile
	b.word(boardMagic).Store(ringMagicFor(calls))
	return c, files, nil
}

// SetSpin tells both sides whether they may spin before they sleep. They should not when there are no cores to spare.
func (c *Ring) SetSpin(welcome bool) { c.refused.Store(!welcome) }

// Send implements Conn.
func (c *Ring) Send(head, body []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gone != nil {
		return c.gone
	}
	if c.backlog.empty() {
		size := len(head) + len(body)
		room, err := c.out.room(size)
		if err != nil {
			return c.failLocked(err)
		}
		if size <= room && size <= pieceSize {
			c.out.put(head)
			c.out.put(body)
			c.publishLocked()
			return nil
		}
	}
	c.backlog.add(head, body)
	c.pending.Store(true) // before we tell the worker that we want room: whoever it wakes must know why
	return c.writeLocked()
}

func (c *Ring) publishLocked() {
	c.out.publish()
	slept := clear32(c.sleep)
	if slept {
		futexWake(c.sleep)
	}
	if c.crowd.sees(slept, slept && !c.out.untaken()) {
		c.part()
	}
}

// writeLocked writes the backlog until it is empty or the ring is full.
func (c *Ring) writeLocked() error {
	for !c.backlog.empty() {
		part := c.backlog.parts[0]
		room, err := c.out.room(1)
		if room == 0 && err == nil {
			var ok bool
			if ok, err = c.out.want(); !ok && err == nil {
				return c.leaveLocked()
			}
			continue
		}
		if err != nil {
			return c.failLocked(err)
		}
		n := min(len(part), room, pieceSize)
		c.out.put(part[:n])
		c.publishLocked()
		c.backlog.drop(n)
	}
	c.pending.Store(false)
	return nil
}

// leaveLocked leaves the backlog to whoever receives.
func (c *Ring) leaveLocked() error {
	if c.interrupted.Load() {
		return c.failLocked(ErrClosed)
	}
	return nil
}

func (c *Ring) failLocked(why error) error {
	c.gone = why
	c.corrupted.Store(why == errRing)
	c.backlog.discard()
	c.pending.Store(false)
	return why
}

// flush goes on with what Send had no room for.
func (c *Ring) flush() {
	if !c.pending.Load() {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.writeLocked()
}

// fail lets nothing more be sent.
func (c *Ring) fail(why error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gone == nil {
		c.failLocked(why)
	}
}

// Sent implements Conn.
func (c *Ring) Sent() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.backlog.empty()
}

// Control implements Conn.
func (c *Ring) Control(frame []byte) error { return c.pipe.Send(frame, nil) }

// Interrupt implements Conn.
func (c *Ring) Interrupt() {
	c.life.Lock()
	defer c.life.Unlock()
	if c.closed.Load() {
		return
	}
	c.interrupted.Swap(true)
	c.pipe.Interrupt()
	if clear32(c.waits) {
		futexWake(c.waits)
	}
}

// Nudge implements Conn. What the worker has posted without telling us must not wait behind a call that takes long.
func (c *Ring) Nudge() {
	c.life.Lock()
	defer c.life.Unlock()
	if c.interrupted.Load() || c.closed.Load() || !c.in.untaken() {
		return
	}
	switch how := c.waits.Load(); {
	case how == awake || !c.waits.CompareAndSwap(how, awake):
	case how == inThread:
		futexWake(c.waits)
	default:
		c.pipe.limitRecv(time.Unix(1, 0))
	}
}

// Close implements Conn.
func (c *Ring) Close() error {
	c.life.Lock()
	defer c.life.Unlock()
	if c.closed.Swap(true) {
		return nil
	}
	c.fail(ErrClosed)
	return c.pipe.Close()
}
