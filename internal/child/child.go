// Package child is the worker's side of a pool: it receives calls, runs functions, and replies. It serves a process of its
// own, or, for pools of goroutines, a part of the pool's.
package child

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/procpool/procpool/internal/transport"
	"github.com/procpool/procpool/internal/wire"
)

// Task is a function that the worker can run, with the codec around it. Run appends the encoded result to out; what is large
// it may return as rest instead, which belongs behind that. The payload is valid until the next call.
type Task struct {
	Name string
	Run  func(ctx context.Context, payload, out []byte) (begin, rest []byte, err error)
}

// Initializer is what a worker runs once before its first task. The returned cleanup may be nil.
type Initializer struct {
	Name string
	Run  func(ctx context.Context, arg []byte) (cleanup func(), err error)
}

// Program is what a worker offers.
type Program struct {
	Tasks        []Task
	Initializers []Initializer
	Fingerprint  string
	// Describe tells a function's error to the pool.
	Describe func(err error) wire.MessageError
}

// Channel is how a worker talks to its pool. Calls and replies go through Calls; what must reach a busy worker
// comes through Control, which is the same for pipes.
type Channel struct {
	Calls   transport.Peer // and Poster, if it can
	Control interface{ Recv(p []byte) (int, error) }
	Board   *transport.Board
	Gone    func() // called when the pool is gone: leaves at once
}

// Poster is a Peer that can publish a frame now and tell the pool of it with the next, or by Tell.
type Poster interface {
	Post(frame []byte) error
	Tell()
}

// server serves one pool.
type server struct {
	Program
	Channel

	name    string // set by setup, before ready
	pid     int
	started int  // tasks; owned by the serving goroutine
	limit   int  // how many it may start, then it leaves; 0: no limit; set by setup
	unfit   bool // not initialized; owned by the serving goroutine
	cleanup func()
	slab    []taskContext // contexts not used yet; owned by the serving goroutine

	current  atomic.Pointer[taskContext] // what runs, or ran last; nil before
	canceled atomic.Uint64               // the call of the last cancel frame
	retire   atomic.Bool                 // the worker wants to be replaced
	over     atomic.Bool                 // the pool is gone: nothing more is run

	inbox  inbox     // frames for the serving goroutine, from the control channel
	stream *streamed // calls, where they do not come through the control channel; owned by the serving goroutine
	out    []byte    // reused for replies; owned by the serving goroutine
	rest   []byte    // of the reply, behind out; the same
	small  int       // replies since one needed more of out than keepOut; the same

	poster Poster // Calls, if it is one
	pace   pace
}

// Tamper, if set, stands between every worker of this process and its pool: package pooltest makes workers misbehave.
var Tamper func(Program, Channel) Channel

// Serve serves until the pool says stop, then runs the initializer's cleanup and returns nil. An error tells what was
// wrong with the pool's side.
//
// A goroutine besides may read the control channel; it ends at that channel's end. See inbox.
func Serve(p Program, ch Channel, pid int) error {
	if Tamper != nil {
		ch = Tamper(p, ch)
	}
	s := &server{Program: p, Channel: ch, pid: pid, pace: pace{board: ch.Board}}
	s.poster, _ = ch.Calls.(Poster)
	if ch.Control != any(ch.Calls) {
		s.stream = &streamed{peer: ch.Calls, scan: wire.Scanner{Trusting: true}, buf: make([]byte, 64<<10)}
	}
	s.open()
	defer s.close()
	done := make(chan error, 1)
	s.spawnLoop(done)
	return <-done
}

// spawnLoop runs the serving loop on a goroutine. A function that calls runtime.Goexit takes the goroutine with it; the
// next one goes on where it left.
func (s *server) spawnLoop(done chan<- error) {
	go func() {
		clean := false
		defer func() {
			if !clean {
				s.spawnLoop(done)
			}
		}()
		err := s.loop()
		clean = true
		done <- err
	}()
}

func (s *server) loop() error {
	for !s.spent() {
		f, err := s.next()
		if err != nil {
			return err
		}
		switch f.Type {
		case wire.Setup:
			err = s.setup(f.Body)
		case wire.Call:
			if !s.unfit { // else the pool, which may not know yet, will run it elsewhere
				err = s.call(f)
			}
		case wire.Stop:
			s.leave()
			return nil
		}
		if err != nil {
			return err
		}
	}
	if s.poster != nil {
		s.poster.Tell() // before a cleanup that may take long
	}
	s.leave()
	return nil
}

// spent reports whether the worker has answered all the tasks of its life. Then it leaves without being told: that saves
// the pool and the worker a wake-up each.
func (s *server) spent() bool { return s.limit > 0 && s.started >= s.limit }

// next returns the next frame for the serving loop: setup, which always comes through the control channel, and then calls. It
// is valid until the next call of next.
func (s *server) next() (*wire.Frame, error) {
	if s.stream == nil || s.name == "" {
		return s.await()
	}
	if s.stream.more() {
		return s.stream.next()
	}
	if s.poster != nil {
		s.poster.Tell() // before we may wait
	}
	s.pace.end(s.started)
	f, err := s.stream.next()
	s.pace.begin(s.started)
	return f, err
}

// leave runs the initializer's cleanup. A panic in it is printed, and the worker leaves all the same.
func (s *server) leave() {
	if s.cleanup == nil {
		return
	}
	defer func() {
		if v := recover(); v != nil {
			println("procpool: the initializer's cleanup panicked:", fmt.Sprint(v))
		}
	}()
	s.cleanup()
}
