//go:build !linux

package transport

import (
	"errors"
	"fmt"
	"os"
)

var errNoRing = fmt.Errorf("rings in shared memory: %w", errors.ErrUnsupported)

// Ring is a Conn over two rings in shared memory.
type Ring struct{ Conn }

// NewRing needs futexes, which this system does not offer here.
func NewRing(*Board) (*Ring, []*os.File, error) { return nil, nil, errNoRing }

// SetSpin tells both sides whether they may spin before they sleep.
func (*Ring) SetSpin(bool) {}

// RingPeer is the worker's side of a Ring.
type RingPeer struct{}

// NewRingPeer needs futexes, which this system does not offer here.
func NewRingPeer(*Board, *os.File) *RingPeer { return &RingPeer{} }

// Stop makes Recv return io.EOF.
func (*RingPeer) Stop() {}

// Recv implements Peer.
func (*RingPeer) Recv([]byte) (int, error) { return 0, errNoRing }

// Send implements Peer.
func (*RingPeer) Send(head, body []byte) error { return errNoRing }
