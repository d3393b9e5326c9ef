//go:build linux || darwin

package transport

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Pipe is a Conn over two pipes. The pool's ends do not block, and wait in the runtime's poller; the worker's ends block,
// as any program expects of them.
//
// After Interrupt, Send still writes what the pipe has room for; then it returns ErrClosed.
type Pipe struct {
	in, out *pipeEnd

	interrupted atomic.Bool
	closed      atomic.Bool
	deadline    sync.Mutex // held to set the read deadline: Interrupt's is the last

	// Owned by whoever receives.
	limited bool // a deadline of Lead's may still stand
	from    Lender
	n       int
	err     error
	receive func(uintptr) bool // c.received, made once

	mu       sync.Mutex // guards what follows; a leaf, never held over a wait
	backlog  backlog
	gone     bool // nothing more can be sent
	flushing bool // a goroutine writes the backlog
	grown    bool
	flusher  sync.WaitGroup
}

// growFor is the body for which the pipe is made as large as a user may make it, for good.
const growFor = 64 << 10

// NewPipe makes the two pipes. The worker reads files[0] and writes files[1]; the caller closes both once the worker has
// them, or the worker's end would not be noticed.
func NewPipe() (c *Pipe, files []*os.File, err error) {
	in, worker1, err := os.Pipe()
	if err != nil {
		return nil, nil, fmt.Errorf("create pipe: %w", err)
	}
	worker0, out, err := os.Pipe()
	if err != nil {
		in.Close()
		worker1.Close()
		return nil, nil, fmt.Errorf("create pipe: %w", err)
	}
	files = []*os.File{worker0, worker1}
	if err := cmp.Or(watched(in), watched(out)); err != nil {
		for _, f := range append(files, in, out) {
			f.Close()
		}
		return nil, nil, fmt.Errorf("create pipe: %w", err)
	}
	for _, f := range files {
		f.Fd() // from now on it blocks
	}
	c = &Pipe{in: newPipeEnd(in), out: newPipeEnd(out)}
	c.receive = c.received
	return c, files, nil
}

// watched tells why the runtime's poller does not watch a pipe's end. It could neither be waited for nor interrupted: its
// reads and writes block.
func watched(f *os.File) error {
	if err := f.SetDeadline(time.Time{}); err != nil {
		return fmt.Errorf("the system watches no more files, see fs.epoll.max_user_watches: %w", err)
	}
	return nil
}

// Send implements Conn.
func (c *Pipe) Send(head, body []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gone {
		return ErrClosed
	}
	if len(body) >= growFor && !c.grown {
		c.grown = true
		growPipe(c.out.fd)
	}
	c.backlog.add(head, body)
	if c.flushing {
		return nil
	}
	c.writeLocked()
	if !c.backlog.empty() {
		c.flushLocked()
	}
	if c.gone {
		return ErrClosed
	}
	return nil
}

// Sent implements Conn.
func (c *Pipe) Sent() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.backlog.empty()
}

// Control is Send: there is but one way.
func (c *Pipe) Control(frame []byte) error { return c.Send(frame, nil) }

// writeLocked writes the backlog until it is empty or the pipe is full.
func (c *Pipe) writeLocked() {
	for !c.backlog.empty() {
		n, err := c.out.write(c.backlog.parts)
		if err == unix.EAGAIN {
			return
		}
		if err != nil {
			c.giveUpLocked()
			return
		}
		c.backlog.drop(n)
	}
}

func (c *Pipe) giveUpLocked() {
	c.gone = true
	c.backlog.discard()
}

// flushLocked leaves the backlog to a goroutine. It ends when everything is written, when the worker's end is gone, at
// Interrupt and at Close, which waits for it.
func (c *Pipe) flushLocked() {
	if c.interrupted.Load() {
		c.giveUpLocked()
		return
	}
	c.flushing = true
	c.flusher.Go(func() {
		if c.out.raw.Write(c.flushed) != nil {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.flushing = false
			c.giveUpLocked()
		}
	})
}

// flushed reports whether the flusher is done; if not, it is called again when the pipe has room.
func (c *Pipe) flushed(uintptr) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.writeLocked()
	c.flushing = !c.backlog.empty()
	return !c.flushing
}

// TryRecv implements Conn.
func (c *Pipe) TryRecv(p []byte) (int, error) {
	if c.closed.Load() {
		return 0, ErrClosed
	}
	n, err := c.in.read(p)
	if err == unix.EAGAIN {
		return 0, nil
	}
	return n, err
}

// Recv implements Conn.
func (c *Pipe) Recv(from Lender) (int, error) {
	if c.limited {
		c.limit(time.Time{})
	}
	c.from = from
	err := c.in.raw.Read(c.receive)
	c.from = nil
	switch {
	case err == nil:
		return c.n, c.err
	case errors.Is(err, os.ErrDeadlineExceeded):
		return c.lastRecv(from.Lend())
	default:
		return 0, ErrClosed
	}
}

// received reports whether there was something to receive; if not, it is called again when there is.
func (c *Pipe) received(uintptr) bool {
	c.n, c.err = c.in.read(c.from.Lend())
	if c.err == unix.EAGAIN {
		c.from.Reclaim()
		return false
	}
	return true
}

// lastRecv receives what is left after Interrupt.
func (c *Pipe) lastRecv(p []byte) (int, error) {
	n, err := c.TryRecv(p)
	if n == 0 && err == nil {
		err = ErrInterrupted
	}
	return n, err
}

// Lead implements Conn. It waits as Recv does: blocking the thread instead saves a system call, but was measured to be no
// faster, and could not be interrupted.
func (c *Pipe) Lead(from Lender, atMost time.Duration) (int, error) {
	c.limit(time.Now().Add(atMost))
	n, err := c.Recv(from)
	c.limited = true
	if err == ErrInterrupted && !c.interrupted.Load() {
		err = nil
	}
	return n, err
}

// limit sets the time when Recv returns; zero: none.
func (c *Pipe) limit(until time.Time) {
	c.limited = false
	c.limitRecv(until)
}

func (c *Pipe) limitRecv(until time.Time) {
	c.deadline.Lock()
	defer c.deadline.Unlock()
	if !c.interrupted.Load() {
		c.in.file.SetReadDeadline(until)
	}
}

// Nudge implements Conn: every answer is told at once.
func (c *Pipe) Nudge() {}

// Interrupt implements Conn.
func (c *Pipe) Interrupt() {
	c.deadline.Lock()
	defer c.deadline.Unlock()
	c.interrupted.Store(true)
	past := time.Unix(1, 0)
	c.in.file.SetReadDeadline(past)
	c.out.file.SetWriteDeadline(past)
}

// Close implements Conn.
func (c *Pipe) Close() error {
	if c.closed.Swap(true) {
		return nil
	}
	err := errors.Join(c.in.file.Close(), c.out.file.Close())
	c.flusher.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.giveUpLocked()
	return err
}

// pipeEnd is one end of a pipe that does not block.
type pipeEnd struct {
	file *os.File
	raw  syscall.RawConn
	fd   int // valid until file is closed
}

func newPipeEnd(f *os.File) *pipeEnd {
	e := &pipeEnd{file: f}
	e.raw, _ = f.SyscallConn() // fails for a nil file only
	e.raw.Control(func(fd uintptr) { e.fd = int(fd) })
	return e
}

func (e *pipeEnd) read(p []byte) (int, error) {
	for {
		n, err := unix.Read(e.fd, p)
		switch {
		case err == unix.EINTR:
			continue
		case err != nil:
			return 0, err
		case n == 0 && len(p) > 0:
			return 0, io.EOF
		}
		return n, nil
	}
}

// write writes some of parts.
func (e *pipeEnd) write(parts [][]byte) (n int, err error) {
	const most = 64 // parts at once
	for {
		if len(parts) == 1 {
			n, err = unix.Write(e.fd, parts[0])
		} else {
			n, err = unix.Writev(e.fd, parts[:min(len(parts), most)])
		}
		if err != unix.EINTR {
			return max(n, 0), err
		}
	}
}

// Pollable returns f, or its replacement, such that a goroutine that reads from it waits in the runtime's poller and not
// in a thread of its own. A file that a process inherits is not, unless whoever left it made it so.
func Pollable(f *os.File) *os.File {
	end := newPipeEnd(f)
	unix.SetNonblock(end.fd, true)
	if f.SetReadDeadline(time.Time{}) == nil {
		return f
	}
	fd, err := unix.FcntlInt(uintptr(end.fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		unix.SetNonblock(end.fd, false)
		return f
	}
	defer f.Close()
	return os.NewFile(uintptr(fd), f.Name())
}
