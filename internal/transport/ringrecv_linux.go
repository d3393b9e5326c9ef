package transport

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// TryRecv implements Conn.
func (c *Ring) TryRecv(p []byte) (int, error) {
	if c.interrupted.Load() && !c.closed.Load() {
		c.answerBell()
	}
	return c.turn(p)
}

// Recv implements Conn.
func (c *Ring) Recv(from Lender) (int, error) {
	if c.streams {
		breathe()
	}
	n, err := c.turn(from.Lend())
	c.streams = n >= streamSize
	if n > 0 || err != nil {
		return n, err
	}
	if c.spun(spinFor) {
		return c.turn(from.Lend())
	}
	for {
		c.from = from
		err := c.pipe.in.raw.Read(c.receive)
		c.from = nil
		c.waits.Store(awake)
		switch {
		case err == nil:
			return c.n, c.err
		case !errors.Is(err, os.ErrDeadlineExceeded):
			return 0, ErrClosed
		case c.interrupted.Load():
			return c.lastRecv(from.Lend())
		}
		c.pipe.limitRecv(time.Time{}) // we were nudged
	}
}

// received reports whether there was something to receive; if not, it is called again after the doorbell. The system tells of
// what comes to the doorbell once only, and of several things at once: so nobody may wait before the doorbell was found empty.
func (c *Ring) received(uintptr) bool {
	for {
		empty := c.answerBell()
		c.waits.Swap(byBell) // what rings from now on is for our next look
		c.n, c.err = c.turn(c.from.Lend())
		switch {
		case c.n > 0 || c.err != nil:
			return true
		case empty:
			c.from.Reclaim()
			return false
		}
	}
}

// Lead implements Conn. It spins while that pays, then it blocks its thread.
func (c *Ring) Lead(from Lender, atMost time.Duration) (int, error) {
	if n, err := c.turn(from.Lend()); n > 0 || err != nil {
		return n, err
	}
	if c.interrupted.Load() {
		return c.lastRecv(from.Lend())
	}
	if c.spun(min(spinFor, atMost)) {
		return c.turn(from.Lend())
	}
	for end := time.Now().Add(atMost); ; {
		c.waits.Swap(inThread)
		n, err := c.turn(from.Lend())
		left := time.Until(end)
		if n > 0 || err != nil || left <= 0 || c.interrupted.Load() {
			c.waits.Store(awake)
			if n == 0 && err == nil && c.interrupted.Load() {
				return c.lastRecv(from.Lend())
			}
			return n, err
		}
		from.Reclaim()
		futexWait(c.waits, inThread, left)
	}
}

// spun reports whether something came while it was spinning. It decides for the worker too whether to spin.
func (c *Ring) spun(atMost time.Duration) bool {
	if c.parted.Load() && c.parted.Swap(false) {
		c.spins, c.spinning = spinner{}, true
	}
	started := c.in.at > 0 // until it has said something, it is being executed, which takes long
	worth := started && !c.refused.Load() && c.spins.worth()
	if worth != c.spinning {
		c.spinning = worth
		c.spin.Store(flag(worth))
	}
	if !worth {
		return false
	}
	ok := spin(atMost, c.ready, c.unstick)
	c.spins.tell(ok)
	return ok
}

// turn receives what there is, and sends what there is room for.
func (c *Ring) turn(p []byte) (int, error) {
	switch {
	case c.closed.Load():
		return 0, ErrClosed
	case c.broken != nil:
		return 0, c.broken
	}
	c.flush()
	if c.corrupted.Load() {
		return 0, c.breakUp(errRing)
	}
	n, err := c.in.read(p)
	switch {
	case err != nil:
		return n, c.breakUp(err)
	case n > 0:
		c.bells = 0
	case c.ended && len(p) > 0:
		return 0, io.EOF
	}
	return n, nil
}

// lastRecv receives what is left after Interrupt.
func (c *Ring) lastRecv(p []byte) (int, error) {
	n, err := c.TryRecv(p)
	if n == 0 && err == nil {
		err = ErrInterrupted
	}
	return n, err
}

// answerBell takes what is in the doorbell, as far as it is worth it, and notices its end. What the worker published before it
// ended is in the ring by then. It reports whether nothing is left.
func (c *Ring) answerBell() (empty bool) {
	var bells [256]byte
	for range 16 {
		n, err := c.pipe.in.read(bells[:])
		if err != nil {
			if err != unix.EAGAIN && !c.ended {
				c.ended = true
				c.fail(ErrClosed)
			}
			return true
		}
		if c.bells += n; c.bells > maxBells {
			c.breakUp(fmt.Errorf("%w: it rings without end", errRing))
		}
		if n < len(bells) {
			break // most often it is empty now: whoever wants to be sure looks again
		}
	}
	return false
}

// breakUp ends it for good.
func (c *Ring) breakUp(why error) error {
	if c.broken == nil {
		c.broken = why
		c.fail(why)
	}
	return c.broken
}

func flag(set bool) uint32 {
	if set {
		return maySpin
	}
	return mayNotSpin
}
