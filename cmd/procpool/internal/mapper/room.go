package mapper

import "sync"

const (
	usualWindow = 2048     // items: enough that workers never wait, however fast
	usualBytes  = 64 << 20 // and at most about this much memory
)

// room bounds what is under way: items, and, unless their number was asked for, bytes. One item always has room.
type room struct {
	most, mostBytes int

	mu     sync.Mutex
	free   sync.Cond // tells the sender
	count  int
	bytes  int
	output float64 // bytes of a result, smoothed: what is to be expected of those to come
	closed bool
}

func newRoom(window int) *room {
	r := &room{most: window}
	if window == 0 {
		r.most, r.mostBytes = usualWindow, usualBytes
	}
	r.free.L = &r.mu
	return r
}

// enter waits for room. It returns false once the room is closed.
func (r *room) enter(size int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for !r.closed && r.full(size) {
		r.free.Wait()
	}
	r.count++
	r.bytes += size
	return !r.closed
}

func (r *room) full(size int) bool {
	if r.count == 0 || r.count < r.most && r.mostBytes == 0 {
		return false
	}
	expected := r.bytes + size + int(r.output*float64(r.count+1))
	return r.count >= r.most || expected > r.mostBytes
}

// leave makes room: an item of this size is told, and so much was its output.
func (r *room) leave(size, output int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.count--
	r.bytes -= size
	r.output += (float64(output) - r.output) / 8
	r.free.Signal()
}

// close lets nobody in any more.
func (r *room) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	r.free.Broadcast()
}
