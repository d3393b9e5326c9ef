package transport

import (
	"errors"
	"io"
	"os"
	"runtime"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// RingPeer is the worker's side of a Ring.
type RingPeer struct {
	waits *atomic.Uint32 // how the pool waits
	sleep *atomic.Uint32 // we sleep
	spin  *atomic.Uint32 // whether we may spin, see crowd
	bell  *os.File
	fd    int // the bell's

	stopped atomic.Bool
	err     error // the board has no ring that we know

	in    ringReader // owned by the goroutine that receives
	out   ringWriter // owned by the goroutine that sends
	ready func() bool
	room  func() bool

	untold int // frames posted since the pool was last told
}

// mostUntold is how many frames are posted before the pool is told. It looks for itself when a call takes long, see
// Ring.Nudge.
const mostUntold = 32

var bell = []byte{1}

var errNoRing = errors.New("transport: the board has no rings of the kind that this program knows")

// NewRingPeer returns the worker's side of a Ring. The doorbell is the descriptor that the worker got as files[1]. Recv
// does not notice that the pool is gone: the control pipe tells that.
func NewRingPeer(b *Board, doorbell *os.File) *RingPeer {
	p := &RingPeer{bell: doorbell}
	calls, results, ok := b.rings()
	if !ok || b.word(boardMagic).Load() != ringMagicFor(calls) {
		p.err = errNoRing
		return p
	}
	p.waits, p.sleep, p.spin = b.word32(boardWaits), b.word32(boardAsleep), b.word32(boardSpin)
	p.in, p.out = ringReader{ring: calls}, ringWriter{ring: results}
	p.in.wake, p.ready, p.room = p.wakePool, p.in.ready, p.out.roomy
	p.fd = newPipeEnd(doorbell).fd
	unix.SetNonblock(p.fd, true) // a full doorbell rings as well
	return p
}

// Stop makes this and every later Recv return io.EOF instead of waiting. It may be called at any time.
func (p *RingPeer) Stop() {
	p.stopped.Swap(true)
	if p.err == nil && clear32(p.sleep) {
		futexWake(p.sleep)
	}
}

// Recv implements Peer.
func (p *RingPeer) Recv(b []byte) (int, error) {
	if p.err != nil {
		return 0, p.err
	}
	for {
		n, err := p.in.read(b)
		if n > 0 || err != nil || len(b) == 0 {
			return n, err
		}
		if p.stopped.Load() {
			return 0, io.EOF
		}
		p.await(p.sleep, p.ready)
	}
}

// Send implements Peer.
func (p *RingPeer) Send(head, body []byte) error {
	if p.err != nil {
		return p.err
	}
	size := len(head) + len(body)
	room, err := p.out.room(min(size, pieceSize))
	if err != nil {
		return err
	}
	if size > room || size > pieceSize {
		if len(body) > 0 && len(head) <= room {
			p.out.put(head) // it is published with what comes next
			head = nil
		}
		return errors.Join(p.sendPieces(head), p.sendPieces(body))
	}
	p.out.put(head)
	p.out.put(body)
	p.publish()
	return nil
}

// Post is Send for a frame that others will follow soon: it is published, but the pool, if it sleeps, is told of it with one
// of these, or by Tell.
func (p *RingPeer) Post(frame []byte) error {
	if p.untold >= mostUntold || len(frame) > p.out.free() {
		return p.Send(frame, nil)
	}
	p.out.put(frame)
	p.out.post()
	p.untold++
	return nil
}

// Tell tells the pool of what was posted.
func (p *RingPeer) Tell() {
	if p.untold > 0 {
		p.publish()
	}
}

func (p *RingPeer) sendPieces(b []byte) error {
	for len(b) > 0 {
		room, err := p.out.room(1)
		if err != nil {
			return err
		}
		if room == 0 {
			p.Tell() // only the pool makes room
			p.await(p.out.wanted, p.room)
			continue
		}
		n := min(len(b), room, pieceSize)
		p.out.put(b[:n])
		p.publish()
		b = b[n:]
	}
	return nil
}

func (p *RingPeer) publish() {
	p.untold = 0
	p.out.publish()
	p.wakePool()
}

// wakePool wakes the pool if it waits.
func (p *RingPeer) wakePool() {
	how := p.waits.Load()
	if how == awake || !p.waits.CompareAndSwap(how, awake) {
		return
	}
	if how == inThread {
		futexWake(p.waits)
	} else {
		unix.Write(p.fd, bell)
	}
}

// await waits until ready; it may return early. The word is 1 while we sleep.
func (p *RingPeer) await(word *atomic.Uint32, ready func() bool) {
	how := p.spin.Load()
	if how >= moveOn && p.spin.CompareAndSwap(how, maySpin) {
		leaveProcessor(how - moveOn)
	}
	if how != mayNotSpin && spin(spinFor, ready, runtime.Gosched) {
		return
	}
	// The other goroutines of this process do not run while we sleep, until the runtime notices; so they come first.
	runtime.Gosched()
	word.Swap(1)
	if ready() || p.stopped.Load() {
		word.Store(0)
		return
	}
	futexWait(word, 1, -1)
}
