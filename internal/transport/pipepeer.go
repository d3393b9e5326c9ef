package transport

import "os"

// pipePeer is the worker's side of a Pipe.
type pipePeer struct {
	r, w *os.File
	buf  []byte // a head and a short body, written at once
}

// NewPipePeer returns the worker's side of a Pipe, for the descriptors it was given.
func NewPipePeer(r, w *os.File) Peer {
	return &pipePeer{r: pollable(r), w: w}
}

// Recv implements Peer.
func (p *pipePeer) Recv(b []byte) (int, error) { return p.r.Read(b) }

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
