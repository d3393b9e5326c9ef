package supervisor

import "sync/atomic"

// duty is what one goroutine at a time has. To try for it and to give it back takes an exchange each, a quarter of what a channel
// takes, and a caller who collects his own answer does both.
type duty struct {
	n    atomic.Int32  // who has it, and those who wait for it
	next chan struct{} // holds a token when it was given to somebody who waits
}

// have makes it the caller's. It must be called before anything else is.
func (d *duty) have() {
	d.n.Store(1)
	d.next = make(chan struct{}, 1)
}

// try takes it if nobody has it, and reports whether it did.
func (d *duty) try() bool { return d.n.CompareAndSwap(0, 1) }

// take waits for it, and reports true; or false once over is closed. Nobody may give it back any more after that.
func (d *duty) take(over <-chan struct{}) bool {
	if d.n.Add(1) == 1 {
		return true
	}
	select {
	case <-d.next:
		return true
	case <-over:
		return false
	}
}

// give gives it back, or to one of those who wait. It never blocks.
func (d *duty) give() {
	if d.n.Add(-1) > 0 {
		d.next <- struct{}{}
	}
}
