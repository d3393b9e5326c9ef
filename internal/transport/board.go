package transport

import (
	"math"
	"sync/atomic"
	"time"
	"unsafe"
)

// The board is a page of memory that a pool shares with one worker, on descriptor 5. It outlives the worker, so what the
// worker wrote there before it died is known exactly. After the page comes the crash text, which the worker's runtime
// writes with plain writes to the descriptor, and after that, where they are offered, the two rings.
const (
	boardClaim   = 64  // uint64, worker: it is about to start this call
	boardStarted = 72  // uint64, worker: it runs, or ran, this call
	boardPace    = 80  // uint64, worker: nanoseconds that a task takes lately; 0: it does not tell
	boardRevoked = 128 // uint64, pool: do not start a call up to this one

	boardPage = 4096
	crashSize = 64 << 10 // most bytes of crash text that are kept
	ringsAt   = boardPage + crashSize
)

// Board is either side's view of the page.
//
// A worker that is about to run call n stores n to claim, then loads revoked. If n is not above it, the call was taken
// back: the worker answers Returned and goes on. Else it stores n to started, and runs it. So started is exact: no
// function runs before its call stands there, and no call stands there that was taken back. The pool takes calls back by
// storing the last one's number to revoked and then loading claim: what is above claim can not start any more; the one
// that is claimed answers for itself, with its result or with Returned. This is Dekker's algorithm; it needs a full
// barrier between each side's store and load. Go's atomics have one; a program built with -race has it only where the store
// is a Swap. For workers in languages without barriers the pool supplies both, see fence.
type Board struct {
	mem   []byte
	crash func() []byte
	close func() error
}

func (b *Board) word(at int) *atomic.Uint64 {
	return (*atomic.Uint64)(unsafe.Pointer(&b.mem[at]))
}

// Claim is called by the worker before it runs call seq. It reports whether it may.
func (b *Board) Claim(seq uint64) bool {
	b.word(boardClaim).Swap(seq)
	if seq <= b.word(boardRevoked).Load() {
		return false
	}
	release(b.word(boardStarted), seq)
	return true
}

// Claimed returns the last call that the worker was about to start.
func (b *Board) Claimed() uint64 { return b.word(boardClaim).Load() }

// Started returns the last call that the worker started.
func (b *Board) Started() uint64 { return b.word(boardStarted).Load() }

// TellPace is called by the worker now and then: its tasks take so long.
func (b *Board) TellPace(each time.Duration) { b.word(boardPace).Store(uint64(max(each, 1))) }

// Pace returns how long the worker says that its tasks take lately; 0 if it does not say.
func (b *Board) Pace() time.Duration {
	return time.Duration(min(b.word(boardPace).Load(), math.MaxInt64))
}

// Revoke takes back every call up to last that is not claimed yet, and returns the last claimed one. If the worker's
// claims are not fenced, a fence of the pool's makes up for it; where there is none, ok is false and nothing was revoked.
func (b *Board) Revoke(last uint64, fenced bool) (claimed uint64, ok bool) {
	if !fenced && !canFence() {
		return 0, false
	}
	b.word(boardRevoked).Swap(last)
	if !fenced {
		fence()
	}
	return b.Claimed(), true
}

// CrashText returns what the worker's runtime wrote about its own end.
func (b *Board) CrashText() []byte {
	if b.crash == nil {
		return nil
	}
	return b.crash()
}

// Close releases the pool's view. The board must not be used afterwards.
func (b *Board) Close() error {
	if b.close == nil {
		return nil
	}
	return b.close()
}

// NewMemoryBoard returns a board for a worker in the same process.
func NewMemoryBoard() *Board {
	words := make([]uint64, 32)
	return &Board{mem: unsafe.Slice((*byte)(unsafe.Pointer(&words[0])), 8*len(words))}
}
