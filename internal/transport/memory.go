package transport

import (
	"io"
	"sync"
	"time"
)

// Memory is a Conn to a worker in the same process. Its waits are on channels, so they hold in fake time.
type Memory struct {
	calls, results *stream
	interrupted    chan struct{}
	interrupt      func() // closes interrupted, once
}

// MemoryPeer is the worker's side of a Memory.
type MemoryPeer struct{ calls, results *stream }

// NewMemory returns both sides and the board they share. Sending never waits, in either direction.
func NewMemory() (*Memory, *MemoryPeer, *Board) {
	calls, results := newStream(), newStream()
	stop := make(chan struct{})
	c := &Memory{calls, results, stop, sync.OnceFunc(func() { close(stop) })}
	return c, &MemoryPeer{calls, results}, NewMemoryBoard()
}

// Send implements Conn.
func (c *Memory) Send(head, body []byte) error { return c.calls.write(head, body) }

// Sent implements Conn.
func (c *Memory) Sent() bool { return true }

// Control is Send: there is but one way.
func (c *Memory) Control(frame []byte) error { return c.calls.write(frame, nil) }

// TryRecv implements Conn.
func (c *Memory) TryRecv(p []byte) (int, error) { return c.results.read(p) }

// Recv implements Conn.
func (c *Memory) Recv(from Lender) (int, error) { return c.wait(from, nil) }

// Lead implements Conn.
func (c *Memory) Lead(from Lender, atMost time.Duration) (int, error) {
	n, err := c.results.read(from.Lend())
	if n > 0 || err != nil {
		return n, err
	}
	over := make(chan struct{})
	timer := time.AfterFunc(atMost, func() { close(over) }) // Timer.C may break the race detector in fake time: see rules_test.go
	defer timer.Stop()
	return c.wait(from, over)
}

func (c *Memory) wait(from Lender, over <-chan struct{}) (int, error) {
	for {
		p := from.Lend()
		n, err := c.results.read(p)
		if n > 0 || err != nil || len(p) == 0 {
			return n, err
		}
		from.Reclaim()
		select {
		case <-c.results.changed:
		case <-over:
			return c.results.read(from.Lend())
		case <-c.interrupted:
			return c.lastRecv(from.Lend())
		}
	}
}

func (c *Memory) lastRecv(p []byte) (int, error) {
	n, err := c.results.read(p)
	if n == 0 && err == nil {
		err = ErrInterrupted
	}
	return n, err
}

// Nudge implements Conn: every answer is told at once.
func (c *Memory) Nudge() {}

// Interrupt implements Conn.
func (c *Memory) Interrupt() { c.interrupt() }

// Close implements Conn. The worker receives what was sent before, then io.EOF.
func (c *Memory) Close() error {
	c.calls.close(io.EOF, true)
	c.results.close(ErrClosed, false)
	return nil
}

// Recv implements Peer.
func (p *MemoryPeer) Recv(b []byte) (int, error) {
	for {
		n, err := p.calls.read(b)
		if n > 0 || err != nil || len(b) == 0 {
			return n, err
		}
		<-p.calls.changed
	}
}

// Send implements Peer.
func (p *MemoryPeer) Send(head, body []byte) error { return p.results.write(head, body) }

// Close ends the worker's side, as the end of its process would: the pool receives what was sent before, then io.EOF.
func (p *MemoryPeer) Close() error {
	p.results.close(io.EOF, true)
	p.calls.close(io.EOF, false)
	return nil
}

// Fail is Close, but the pool receives err.
func (p *MemoryPeer) Fail(err error) {
	p.results.close(err, true)
	p.calls.close(io.EOF, false)
}
