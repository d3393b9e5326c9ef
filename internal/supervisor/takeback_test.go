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
