package transport

import (
	"testing"
)

// A carrier is one way to move bytes, with a worker on the other side that plays a role.
type carrier struct {
	name  string
	start func(t testing.TB, role string) *worker
}

// A worker is the pool's side of a channel, and what the test may do to the other side.
type worker struct {
	Conn
	kill func()       // ends the worker at once; it has ended when kill returns
	wait func() error // waits until the worker has ended by itself; nil if it did well
}

var carriers = []carrier{{"memory", startMemory}}

func startMemory(t testing.TB, role string) *worker {
	c, p, _ := NewMemory()
	return inProcess(t, c, p, role, func() { p.Close() })
}

// inProcess runs the worker in a goroutine, which ends when the test does and hang up has been called.
func inProcess(t testing.TB, c Conn, p Peer, role string, hangUp func()) *worker {
	ended, result := make(chan struct{}), error(nil)
	if role == "deaf" {
		close(ended)
	} else {
		go func() {
			defer close(ended)
			defer hangUp()
			result = roles[role](p)
		}()
	}
	w := &worker{Conn: c}
	w.wait = func() error { <-ended; return result }
	w.kill = func() { hangUp(); <-ended }
	t.Cleanup(func() {
		c.Interrupt()
		c.Close()
		hangUp()
		w.wait()
	})
	return w
}
