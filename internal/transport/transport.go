// Package transport moves bytes between a pool and one worker: over pipes, over rings in shared memory, or within the
// process. What the bytes mean is package wire's business.
package transport

import (
	"errors"
	"time"
)

// ErrClosed is returned by a Conn after Close, and by Send when the other side is gone.
var ErrClosed = errors.New("transport: closed")

// ErrInterrupted is returned by Recv after Interrupt, once nothing is left that could be received without waiting.
var ErrInterrupted = errors.New("transport: interrupted")

// Conn is the pool's side of a worker's channel. Its methods may be called at the same time, but only one goroutine may
// be in TryRecv, Recv or Lead.
type Conn interface {
	// Send sends head and then body. It never blocks: it keeps what there is no room for, and goes on when there is. Head
	// may be reused after Send, body must stay unchanged.
	Send(head, body []byte) error
	// Sent reports whether all that was given to Send is on its way, so that no body has to stay unchanged any more.
	Sent() bool
	// Control sends a frame that must reach a worker which is busy with a call: it overtakes what Send has sent where the
	// two take different ways. It never blocks.
	Control(frame []byte) error
	// TryRecv receives what there is, without waiting: 0, nil if there is nothing; io.EOF at the end.
	TryRecv(p []byte) (int, error)
	// Recv waits until there is something to receive. What it received is in the memory that it was lent.
	Recv(from Lender) (int, error)
	// Lead is Recv for a caller who expects the answer soon: it spins, or blocks its thread, for at most the given time,
	// then returns 0, nil.
	Lead(from Lender, atMost time.Duration) (int, error)
	// Nudge makes a Recv or Lead that waits look again, for a worker need not tell of every answer at once.
	Nudge()
	// Interrupt makes this and every later Recv and Lead return instead of waiting. It may be called at any time.
	Interrupt()
	// Close releases the channel. Nobody may be in another method.
	Close() error
}

// Lender lends a Conn the memory to receive into while there is something to receive: of many who wait, none needs any.
type Lender interface {
	// Lend returns the memory for what comes next.
	Lend() []byte
	// Reclaim is called before the Conn sleeps: nothing was received, and nothing will be until it asks again.
	Reclaim()
}

// Peer is the worker's side. One goroutine receives, one sends.
type Peer interface {
	// Recv waits until there is something to receive; io.EOF when the pool is gone or has let go of the worker.
	Recv(p []byte) (int, error)
	// Send sends head and then body, and returns once both are published: they outlive this process.
	Send(head, body []byte) error
}
