package supervisor

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/procpool/procpool/internal/queue"
	"github.com/procpool/procpool/internal/transport"
	"github.com/procpool/procpool/internal/wire"
)

// slowTeller answers the calls before number 3 at once. It starts 3 and 4, and tells of 3 only when it is let; so it runs
// 4, as the pool is to see. What it is told to cancel it notes.
type slowTeller struct {
	tell     chan struct{}
	canceled chan uint64
}

func (w *slowTeller) serve(f *fake) {
	go func() {
		<-w.tell
		f.say(wire.Result, 3, []byte{1})
	}()
	for h := range f.frames() {
		switch {
		case h.Type == wire.Setup:
			f.hello()
			f.say(wire.Ready, 0, nil)
		case h.Type == wire.Call && h.Seq < 3:
			f.answer(h.Seq)
		case h.Type == wire.Call:
			f.board.Claim(h.Seq)
		case h.Type == wire.Cancel:
			if w.canceled <- h.Seq; h.Seq == 4 {
				f.say(wire.Result, 4, []byte{1})
			}
		}
	}
}

// A call is canceled whose item runs while the answer before it has not been seen. The worker is told, also if that
// answer is to an item of the same call, which the pool takes for the one that runs.
func TestCancelBehindAnUnseenAnswer(t *testing.T) {
	for name, calls := range map[string][]int32{"of another call": {1, 1}, "of the same call": {2}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := &slowTeller{make(chan struct{}), make(chan uint64, 10)}
				s, q := newFakes(t, w.serve)
				for range 2 {
					<-put(t, s, q, &queue.Task{Name: "x"}).done // so that the window grows
				}
				var last *queue.Call
				for _, n := range calls {
					last = putMany(t, s, q, n)
				}
				synctest.Wait()
				conn := watchNudges(s)
				q.Cancel(last)
				s.Cancel(last)
				if conn.n.Load() == 0 {
					t.Error("the pool was not made to look for the answer")
				}
				close(w.tell)
				synctest.Wait()
				close(w.canceled)
				told := uint64(0)
				for told = range w.canceled {
				}
				if told != 4 {
					t.Errorf("the worker was told at last to cancel call %d, not 4", told)
				}
				s.Terminate(errOver)
				<-s.Written()
				if n := q.Snapshot().Canceled; n == 0 {
					t.Error("nothing counts as canceled")
				}
			})
		})
	}
}

// nudged counts how often it is nudged.
type nudged struct {
	transport.Conn
	n atomic.Int32
}

func (c *nudged) Nudge() { c.n.Add(1) }

// watchNudges stands between a pool, which waits, and its worker.
func watchNudges(s *Supervisor) *nudged {
	l := s.list()[0].link
	l.mu.Lock()
	defer l.mu.Unlock()
	c := &nudged{Conn: l.conn}
	l.conn = c
	return c
}

// A worker may be stopped when it has published an answer and has not told, too late for a look ahead. The vigil looks.
func TestVigilNudges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, q := newFakes(t, late)
		synctest.Wait()
		conn := watchNudges(s)
		put(t, s, q, &queue.Task{Name: "x"})
		time.Sleep(vigilPeriod + time.Millisecond)
		if conn.n.Load() == 0 {
			t.Error("the pool did not look")
		}
		s.Terminate(errOver)
		<-s.Written()
	})
}

// ignore is the sink of a call that was resolved before.
type ignore struct{}

func (ignore) Abort(error) {}

func (ignore) Resolve(_ int32, all []queue.Outcome) {
	for i := range all {
		all[i].Unused = true
	}
}

// manyOf returns a call of n items.
func manyOf(n int32) *queue.Call {
	ends := make([]uint64, n+1)
	for i := range ends {
		ends[i] = uint64(i)
	}
	return &queue.Call{Task: &queue.Task{Name: "x"}, Data: make([]byte, n), Many: &ends, Sink: ignore{}}
}

// putMany puts a call of n items.
func putMany(t *testing.T, s *Supervisor, q *queue.Queue, n int32) *queue.Call {
	t.Helper()
	c := manyOf(n)
	if !submit(t, s, q, c) {
		for _, w := range s.list() {
			feedAll(w.link)
		}
	}
	return c
}
