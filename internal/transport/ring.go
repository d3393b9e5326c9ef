package transport

import (
	"errors"
	"math/bits"
	"sync/atomic"
	"unsafe"
)

// A ring carries bytes one way, from one writer to one reader, in memory that both share. The cursors count the bytes
// ever written and ever read; they only grow, and each has one owner, who works with a copy of its own and publishes it
// with one atomic store. When the ring is empty, the writer may start again at its beginning: base is the cursor that
// stands there. So small frames stay within the same few pages, and an idle worker costs no more than those.
//
// Whatever the other side stored is checked before it is used. The bytes themselves must be copied out before anybody
// looks at them: the other side may still change them.
type ring struct {
	data       []byte         // a power of two
	tail, base *atomic.Uint64 // the writer's
	head       *atomic.Uint64 // the reader's
	wanted     *atomic.Uint32 // the writer's: it waits for room
}

// The words of the rings on the board. Each line of 64 bytes is stored to by one side in the common case, so that sides
// do not take the line from each other. What the pool stores, the worker must not; the pool trusts none of it.
const (
	boardMagic = 192 // uint64, pool: ringMagic, and the binary logarithm of the ring's size in the last byte
	boardSpin  = 200 // uint32, pool: whether a worker that waits may spin, see crowd

	boardCalls   = 256 // the ring from pool to worker: tail 256, base 264; head 320; wanted 384
	boardResults = 448 // the ring from worker to pool: tail 448, base 456; head 512; wanted 576

	boardAsleep = 640 // uint32, a futex: 1 while the worker sleeps until there is a call; who wakes it makes it 0
	boardWaits  = 704 // uint32, a futex: how the pool waits, see the constants; who wakes it makes it 0

	ringMagic = 0x70726f6370_01 // "procp", and the version of this layout
)

// How the pool waits for a worker.
const (
	awake    = 0
	byBell   = 1 // in the poller: a byte on the doorbell wakes it
	inThread = 2 // in a futex
)

// RingSize is the size of each of a worker's two rings. With smaller ones the sides wait for each other more often while a
// large body passes; larger ones gain nothing. See BenchmarkRingSize.
const RingSize = 512 << 10

const (
	pieceSize = 32 << 10 // of a large body is published at once, so that both sides copy at the same time
	restart   = 4 << 10  // the bytes after which the writer looks for a chance to start again at the ring's beginning
)

var errRing = errors.New("transport: the worker corrupted its ring")

func (b *Board) word32(at int) *atomic.Uint32 {
	return (*atomic.Uint32)(unsafe.Pointer(&b.mem[at]))
}

// ringAt returns the ring whose words start at the given place.
func (b *Board) ringAt(words int, data []byte) ring {
	return ring{data, b.word(words), b.word(words + 8), b.word(words + 64), b.word32(words + 128)}
}

// rings returns both rings of a board. It has none if ok is false.
func (b *Board) rings() (calls, results ring, ok bool) {
	if len(b.mem) <= ringsAt {
		return ring{}, ring{}, false
	}
	data := b.mem[ringsAt:]
	size := len(data) / 2
	if size < restart || size&(size-1) != 0 {
		return ring{}, ring{}, false
	}
	return b.ringAt(boardCalls, data[:size:size]), b.ringAt(boardResults, data[size:]), true
}

// ringMagicFor is what stands on a board whose rings are like r.
func ringMagicFor(r ring) uint64 {
	return ringMagic<<8 | uint64(bits.TrailingZeros(uint(len(r.data))))
}

// ringWriter is the writing side.
type ringWriter struct {
	ring
	at    uint64 // tail, with what is not published yet
	seen  uint64 // head, when we last looked; at-len(data) <= seen <= at
	start uint64 // base
	look  uint64 // where to look for a chance to start again
}

// room returns how many bytes there is room for. It looks at the reader's cursor only if less than want are known of.
func (w *ringWriter) room(want int) (int, error) {
	if w.at >= w.look || w.free() < want {
		if err := w.refresh(); err != nil {
			return 0, err
		}
	}
	return w.free(), nil
}

func (w *ringWriter) free() int { return len(w.data) - int(w.at-w.seen) }

func (w *ringWriter) refresh() error {
	head := w.head.Load()
	if head-w.seen > w.at-w.seen {
		return errRing
	}
	w.seen = head
	if w.at >= w.look {
		w.look = w.at + restart
		if w.seen == w.at { // nobody reads what lies under the old base
			w.start = w.at
			w.base.Store(w.at)
		}
	}
	return nil
}

// put copies p, for which there must be room.
func (w *ringWriter) put(p []byte) {
	i := int(w.at-w.start) & (len(w.data) - 1)
	n := copy(w.data[i:], p)
	copy(w.data, p[n:])
	w.at += uint64(len(p))
}

// publish lets the reader have what was put, and puts a barrier between that and the loads to come.
func (w *ringWriter) publish() { w.tail.Swap(w.at) }

// post lets the reader have what was put, without a barrier.
func (w *ringWriter) post() { release(w.tail, w.at) }

// want makes the reader tell when there is room; it reports whether there is some already.
func (w *ringWriter) want() (bool, error) {
	w.wanted.Swap(1)
	err := w.refresh()
	return w.free() > 0, err
}

// roomy reports whether there is room, or the reader broke its cursor.
func (w *ringWriter) roomy() bool { return w.head.Load() != w.at-uint64(len(w.data)) }

// ringReader is the reading side.
type ringReader struct {
	ring
	at    uint64 // head
	seen  uint64 // tail, when we last looked; at <= seen <= at+len(data)
	start uint64 // base, of what lies between at and seen
	wake  func() // wakes the writer
}

// ready reports whether the writer has published something that was not read yet, or broke its cursor.
func (r *ringReader) ready() bool { return r.tail.Load() != r.at }

// untaken reports whether the writer has published something that was not read yet. Anybody may ask.
func (r *ring) untaken() bool { return r.tail.Load() != r.head.Load() }

func (r *ringReader) refresh() error {
	tail := r.tail.Load()
	if tail-r.at > uint64(len(r.data)) || tail-r.at < r.seen-r.at {
		return errRing
	}
	r.seen = tail
	r.start = r.base.Load()
	return nil
}

// read copies what there is to p, piece by piece.
func (r *ringReader) read(p []byte) (n int, err error) {
	for n < len(p) {
		if r.seen == r.at {
			if err := r.refresh(); err != nil {
				return n, err
			}
		}
		piece := min(len(p)-n, int(r.seen-r.at), pieceSize)
		if piece == 0 {
			break
		}
		r.get(p[n : n+piece])
		n += piece
		r.release()
	}
	return n, nil
}

func (r *ringReader) get(p []byte) {
	i := int(r.at-r.start) & (len(r.data) - 1)
	n := copy(p, r.data[i:])
	copy(p[n:], r.data)
	r.at += uint64(len(p))
}

// release gives the room of what was read back to the writer, and wakes it if it waits for room and half of the ring is
// free: to wake somebody for less would cost more than it brings.
func (r *ringReader) release() {
	r.head.Swap(r.at)
	if r.wanted.Load() != 0 && int(r.seen-r.at) <= len(r.data)/2 && r.wanted.Swap(0) != 0 {
		r.wake()
	}
}
