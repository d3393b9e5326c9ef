package supervisor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/procpool/procpool/internal/lifecycle"
	"github.com/procpool/procpool/internal/process"
	"github.com/procpool/procpool/internal/queue"
	"github.com/procpool/procpool/internal/transport"
	"github.com/procpool/procpool/internal/wire"
)

// fake is a worker without a process: a function at the other end of a channel in memory.
type fake struct {
	peer   *transport.MemoryPeer
	board  *transport.Board
	exited chan struct{}
	once   sync.Once
	told   func() // what it does at SIGTERM; nil: it ends
}

func (f *fake) end() {
	f.once.Do(func() {
		f.peer.Close()
		close(f.exited)
	})
}

func (f *fake) PID() int                          { return 4711 }
func (f *fake) Output() (stdout, stderr *os.File) { return nil, nil }
func (f *fake) Wait() process.Status              { <-f.exited; return process.Status{ExitCode: 1} }
func (f *fake) Kill() error                       { f.end(); return nil }

func (f *fake) Terminate() error {
	if f.told != nil {
		f.told()
		return nil
	}
	return f.Kill()
}

// launchFakes launches the first worker with one function, and all others with another.
func launchFakes(first, others func(*fake)) Launch {
	var n atomic.Int32
	return func(_ string, prime func(transport.Conn, *transport.Board)) (Process, error) {
		conn, peer, board := transport.NewMemory()
		prime(conn, board)
		f := &fake{peer: peer, board: board, exited: make(chan struct{})}
		serve := others
		if n.Add(1) == 1 {
			serve = first
		}
		go func() { // ends with the worker
			defer f.end()
			serve(f)
		}()
		return f, nil
	}
}

// honest serves as a worker should.
func honest(f *fake) {
	for h := range f.frames() {
		switch h.Type {
		case wire.Setup:
			f.hello()
			f.say(wire.Ready, 0, nil)
		case wire.Call:
			f.answer(h.Seq)
		case wire.Stop:
			return
		}
	}
}

// frames yields the headers of what the pool sends, until it lets go of the worker.
func (f *fake) frames() iter.Seq[wire.Header] {
	return func(yield func(wire.Header) bool) {
		var scan wire.Scanner
		buf := make([]byte, 4096)
		for {
			n, err := f.peer.Recv(buf)
			if err != nil {
				return
			}
			scan.Feed(buf[:n])
			for h, _, _, ok := scan.Next(); ok; h, _, _, ok = scan.Next() {
				if !yield(h) {
					return
				}
			}
		}
	}
}

func (f *fake) hello() {
	f.say(wire.Hello, 0, wire.Marshal(&wire.MessageHello{Version: wire.Version, Tasks: []string{"x"}, Window: 16, Fenced: true}))
}

func (f *fake) say(t wire.Type, seq uint64, body []byte) {
	f.peer.Send(wire.AppendFrame(nil, wire.Header{Type: t, Seq: seq}, body), nil)
}

func (f *fake) answer(seq uint64) {
	if f.board.Claim(seq) {
		f.say(wire.Result, seq, []byte{1})
	} else {
		f.say(wire.Returned, seq, nil)
	}
}

// hostileScript plays a worker by the script: a step and its argument at a time.
func hostileScript(script []byte) func(*fake) {
	return func(f *fake) {
		for len(script) >= 2 {
			step, arg := script[0], script[1]
			script = script[2:]
			seq := uint64(arg % 8)
			switch step % 13 {
			case 0:
				f.hello()
			case 1:
				f.say(wire.Ready, 0, nil)
			case 2:
				f.say(wire.Result, seq, []byte{arg})
			case 3:
				f.say(wire.Error, seq, wire.Marshal(&wire.MessageError{Kind: wire.KindError, Message: "no"}))
			case 4:
				f.say(wire.Returned, seq, nil)
			case 5:
				f.board.Claim(seq)
			case 6:
				f.board.Claim(uint64(arg) << 56)
			case 7:
				n := min(int(arg), len(script))
				f.peer.Send(script[:n], nil)
				script = script[n:]
			case 8:
				f.say(wire.Type(arg), seq, []byte("?"))
			case 9:
				f.say(wire.Failed, 0, wire.Marshal(&wire.MessageError{Kind: wire.KindPanic, Message: "no"}))
			case 10:
				f.answer(seq)
			case 11:
				turn, done := context.WithTimeout(context.Background(), time.Duration(arg)*time.Millisecond) // the pool's
				select {
				case <-turn.Done():
				case <-f.exited:
					done()
					return
				}
				done()
			case 12:
				f.peer.Send(wire.Header{Type: wire.Result, Seq: seq, Size: int(arg) << 22}.Append(nil), nil)
			}
		}
	}
}

// once counts how often a call was resolved.
type once struct {
	n    atomic.Int32
	err  error
	done chan struct{}
}

func (s *once) Resolve(_ int32, all []queue.Outcome) { s.resolve(all[0].Err) }
func (s *once) Abort(err error)                      { s.resolve(err) }

func (s *once) resolve(err error) {
	if s.n.Add(1) == 1 {
		s.err = err
		close(s.done)
	}
}

// newFakes starts a supervisor of one place whose first worker is played by a function. It is honest after that.
func newFakes(t *testing.T, first func(*fake)) (*Supervisor, *queue.Queue) {
	return newManyFakes(t, 1, first)
}

// newManyFakes is newFakes with so many places.
func newManyFakes(t *testing.T, places int, first func(*fake)) (*Supervisor, *queue.Queue) {
	return startFakes(t, places, launchFakes(first, honest))
}

// startFakes starts a supervisor of so many places whose workers are launched like that.
func startFakes(t *testing.T, places int, launch Launch) (*Supervisor, *queue.Queue) {
	epoch := time.Now()
	clock := func() time.Duration { return time.Since(epoch) }
	q := queue.New(0, clock, nil)
	var n atomic.Int32
	s, err := New(Config{
		Queue: q, Launch: launch, Clock: clock,
		Fleet: lifecycle.Config{
			Processes: places, StartTimeout: 10 * time.Second,
			Restart: lifecycle.Restart{MaxFailures: -1, Backoff: time.Millisecond, MaxBackoff: time.Second},
		},
		Name:  func() string { return fmt.Sprintf("Fake-%d", n.Add(1)) },
		Grace: time.Second, TaskTimeout: time.Minute, Stdout: io.Discard, Stderr: io.Discard,
		Panicked:     func(v any) { panic(v) },
		StartFailure: func(f *StartFault) error { return f },
		Failure:      func(_ string, o *queue.Outcome) error { return o.Err },
	})
	if err != nil {
		t.Fatal(err)
	}
	return s, q
}

var errOver = errors.New("over")

// playHostile runs calls on a pool whose first worker follows the script. Whatever it does, each call is resolved, once, and
// the pool goes on.
func playHostile(t *testing.T, script []byte) {
	synctest.Test(t, func(t *testing.T) {
		s, q := newFakes(t, hostileScript(script))
		for range 2 {
			for _, sink := range submitSome(t, s, q) {
				select {
				case <-sink.done:
				case <-time.After(10 * time.Minute):
					t.Errorf("a call is not resolved: queue %+v, workers %+v", q.Snapshot(), s.State())
					s.Terminate(errOver)
					<-s.Written()
					return
				}
				if n := sink.n.Load(); n != 1 {
					t.Fatalf("a call is resolved %d times", n)
				}
			}
		}
		s.Terminate(errOver)
		<-s.Written()
	})
}

func submitSome(t *testing.T, s *Supervisor, q *queue.Queue) (sinks []*once) {
	for range 6 {
		sinks = append(sinks, put(t, s, q, &queue.Task{Name: "x"}))
	}
	return sinks
}

// hostileSeeds are scripts of note, and what fuzzing begins with.
var hostileSeeds = map[string][]byte{
	"says nothing":               {},
	"hello only":                 {0, 0, 11, 200},
	"serves one and dies":        {0, 0, 1, 0, 11, 10, 10, 1},
	"dies under the second":      {0, 0, 1, 0, 11, 10, 10, 1, 11, 10, 5, 2},
	"answers twice":              {0, 0, 1, 0, 11, 10, 10, 1, 2, 1, 11, 10},
	"answers what it has not":    {0, 0, 1, 0, 11, 10, 2, 7, 11, 10},
	"answers without starting":   {0, 0, 1, 0, 11, 10, 2, 1, 11, 10},
	"returns what was not taken": {0, 0, 1, 0, 11, 10, 4, 1, 4, 2, 4, 3, 11, 10},
	"board lies":                 {0, 0, 1, 0, 11, 10, 6, 255, 11, 255, 11, 255, 11, 255, 11, 255, 11, 255},
	"ready first":                {1, 0, 0, 0},
	"hello twice":                {0, 0, 0, 0},
	"fails, and serves":          {0, 0, 9, 0, 11, 10, 10, 1},
	"answers before ready":       {0, 0, 11, 10, 10, 1, 1, 0},
	"deaf":                       {0, 0, 1, 0, 11, 255, 11, 255, 11, 255, 11, 255, 11, 255, 11, 255, 11, 255, 11, 255, 11, 255, 11, 255, 11, 255, 11, 255},
	"huge claim":                 {0, 0, 1, 0, 11, 10, 5, 1, 12, 255, 11, 100},
	"raw":                        {0, 0, 1, 0, 7, 20, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20},
}

func TestHostileScripts(t *testing.T) {
	for name, script := range hostileSeeds {
		t.Run(name, func(t *testing.T) { playHostile(t, script) })
	}
}

func FuzzPoolSide(f *testing.F) {
	for _, script := range hostileSeeds {
		f.Add(script)
	}
	f.Fuzz(func(t *testing.T, script []byte) {
		if len(script) > 1<<10 {
			t.Skip("longer scripts tell nothing new")
		}
		playHostile(t, script)
	})
}
