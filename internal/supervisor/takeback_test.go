package supervisor

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/procpool/procpool/internal/queue"
	"github.com/procpool/procpool/internal/transport"
	"github.com/procpool/procpool/internal/wire"
)

// heldNudge holds who nudges until it is let go.
type heldNudge struct {
	transport.Conn
	here, free chan struct{}
}

func (c *heldNudge) Nudge() {
	c.here <- struct{}{}
	<-c.free
}

// A worker dies while tasks are taken back from it. Its end is told when these are in the queue again: a pool that is
// closed, and finds nothing there, is over.
func TestEndWaitsForTakeBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dies := make(chan struct{})
		s, q := newFakes(t, func(f *fake) {
			go func() { // ends with the worker
				f.hello()
				f.say(wire.Ready, 0, nil)
				for range f.frames() { // none is answered
				}
			}()
			<-dies
		})
		sink := put(t, s, q, &queue.Task{Name: "x"})
		synctest.Wait()
		w := s.list()[0]
		conn := &heldNudge{here: make(chan struct{}), free: make(chan struct{})}
		w.link.mu.Lock()
		conn.Conn, w.link.conn = w.link.conn, conn
		w.link.mu.Unlock()
		var taker sync.WaitGroup
		taker.Go(w.link.takeBack)
		<-conn.here
		close(dies)
		time.Sleep(time.Second)
		if s.find(w.id) == nil {
			t.Error("it is buried while tasks are taken back from it")
		}
		close(conn.free)
		taker.Wait()
		<-sink.done
		s.Terminate(errOver)
		<-s.Written()
	})
}

// Whoever takes tasks back waits for who does already: the worker must not be told of a lower number last, and what the other
// one takes is gone when he goes on.
func TestTakeBackOneAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answer := make(chan struct{})
		s, q := newFakes(t, func(f *fake) {
			f.hello()
			f.say(wire.Ready, 0, nil)
			for h := range f.frames() {
				if h.Type == wire.Call {
					f.board.Claim(h.Seq)
					<-answer
					f.say(wire.Result, h.Seq, []byte{1})
				}
			}
		})
		first := put(t, s, q, &queue.Task{Name: "x"})
		synctest.Wait()
		l := s.list()[0].link
		conn := &heldNudge{here: make(chan struct{}), free: make(chan struct{})}
		l.mu.Lock()
		conn.Conn, l.conn = l.conn, conn
		l.mu.Unlock()
		var takers sync.WaitGroup
		takers.Go(l.takeBack)
		<-conn.here
		answer <- struct{}{} // the worker goes on: it is blocked no more
		<-first.done
		second := put(t, s, q, &queue.Task{Name: "x"})
		synctest.Wait()
		takers.Go(l.takeBack)
		synctest.Wait()
		select {
		case <-conn.here:
			t.Error("two take tasks back at the same time")
		default:
		}
		conn.free <- struct{}{}
		close(conn.free)
		go func() { <-conn.here }() // ends with the second one
		takers.Wait()
		close(answer)
		<-second.done
		s.Terminate(errOver)
		<-s.Written()
	})
}
