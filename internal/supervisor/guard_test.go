package supervisor

import (
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/procpool/procpool/event"
	"github.com/procpool/procpool/internal/queue"
	"github.com/procpool/procpool/internal/wire"
)

// late holds its first call until SIGTERM, answers it then after all, and goes on for a while, as a worker may that does
// not mind the signal.
func late(f *fake) {
	told := make(chan struct{})
	f.told = sync.OnceFunc(func() { close(told) })
	go func() {
		<-told
		f.say(wire.Result, 1, []byte{1})
		time.Sleep(100 * time.Millisecond)
		f.end()
	}()
	for h := range f.frames() {
		switch h.Type {
		case wire.Setup:
			f.hello()
			f.say(wire.Ready, 0, nil)
		case wire.Call:
			f.board.Claim(h.Seq) // none of the others comes to an end
		}
	}
}

// A worker is killed for the task that did not stop in time. What waits behind that task must not be started by it in its
// last moments: it would die of a timeout that is none of its own.
func TestOnlyTheGuiltyTimeOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, q := newFakes(t, late)
		var sinks []*once
		for range 3 {
			sinks = append(sinks, put(t, s, q, &queue.Task{Name: "x", Timeout: time.Second}))
		}
		for i, sink := range sinks {
			<-sink.done
			if sink.err != nil {
				t.Errorf("call %d: %v", i+1, sink.err)
			}
		}
		s.Terminate(errOver)
		<-s.Written()
	})
}

// The call has been answered when its kill comes to be carried out: the worker is spared.
func TestSpared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, q := newFakes(t, honest)
		<-put(t, s, q, &queue.Task{Name: "x"}).done
		synctest.Wait()
		l := s.list()[0].link
		l.condemn(1, event.CauseTimedOut)
		if sink := put(t, s, q, &queue.Task{Name: "x"}); true {
			<-sink.done
			if sink.err != nil {
				t.Error(sink.err)
			}
		}
		if st := s.State(); st.Started != 1 {
			t.Errorf("%d workers were started", st.Started)
		}
		s.Terminate(errOver)
		<-s.Written()
	})
}

// A timer that fired for one call is late, and finds the next one watched: it must wait for that one's own time.
func TestGuardFiresLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, q := newFakes(t, late)
		sink := put(t, s, q, &queue.Task{Name: "x", Timeout: time.Hour})
		synctest.Wait()
		l := s.list()[0].link
		l.guard.fire()
		l.mu.Lock()
		if l.guard.cause != event.CauseNone {
			t.Error("the call was told to stop an hour early")
		}
		l.mu.Unlock()
		s.Terminate(errOver)
		<-s.Written()
		if <-sink.done; !errors.Is(sink.err, errOver) {
			t.Error(sink.err)
		}
	})
}

// put puts a call of one item.
func put(t *testing.T, s *Supervisor, q *queue.Queue, task *queue.Task) *once {
	t.Helper()
	sink := &once{done: make(chan struct{})}
	submit(t, s, q, &queue.Call{Task: task, Data: []byte{1}, Sink: sink})
	return sink
}

// submit does with a call what a pool does. It reports whether a worker that rested was fed.
func submit(t *testing.T, s *Supervisor, q *queue.Queue, c *queue.Call) (fed bool) {
	t.Helper()
	feed, _, err := q.Put(c, false)
	if err != nil {
		t.Fatal(err)
	}
	if feed == nil {
		s.Demand()
		return false
	}
	Feed(feed, 0, nil)
	return true
}
