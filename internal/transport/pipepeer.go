package transport

import (
	"os"
	"runtime"
)

// pipePeer is the worker's side of a Pipe.
type pipePeer struct {
	r, w *os.File
	buf  []byte // a head and a short body, written at once
}

// NewPipePeer returns the worker's side of a Pipe, for the descriptors it was given. Recv blocks its thread, unless r is
// Pollable: then it waits in the runtime's poller, which takes three system calls more for each call that comes alone.
func NewPipePeer(r, w *os.File) Peer {
	return &pipePeer{r: r, w: w}
}

// Recv implements Peer.
func (p *pipePeer) Recv(b []byte) (int, error) {
	runtime.Gosched() // the other goroutines of this process do not run while we block, until the runtime notices
	return p.r.Read(b)
}

// Send implements Peer. It waits while the pipe is full.
func (p *pipePeer) Send(head, body []byte) error {
	if len(head)+len(body) > keepBelow {
		if _, err := p.w.Write(head); err != nil {
			return err
		}
		_, err := p.w.Write(body)
		return err
	}
	p.buf = append(append(p.buf[:0], head...), body...)
	_, err := p.w.Write(p.buf)
	return err
}
