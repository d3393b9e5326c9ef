package pooltest

import (
	"bytes"
	"sync"

	"github.com/procpool/procpool/internal/child"
	"github.com/procpool/procpool/internal/transport"
	"github.com/procpool/procpool/internal/wire"
)

// tamper is a worker's channel with faults. It hands the worker one call at a time, so that it knows which one a moment
// belongs to.
type tamper struct {
	plan    *plan
	inner   transport.Peer
	program child.Program
	pump    sync.Once

	rest []byte // of the frame that is being received; owned by whoever receives

	mu    sync.Mutex
	some  sync.Cond
	calm  [][]byte // frames that a busy worker must get too
	calls [][]byte // calls, and stop
	busy  bool     // with a call
	err   error    // the channel's end
	task  string   // of the call that was handed over last
	seq   uint64   // of it
	nth   int      // how many were, without those that the worker gave back
}

// Recv implements transport.Peer.
func (t *tamper) Recv(p []byte) (int, error) {
	t.pump.Do(func() { go t.receive() }) // ends at the channel's end; nobody waits for it, as the process ends with it
	if len(t.rest) == 0 {
		frame, err := t.next()
		if err != nil {
			return 0, err
		}
		t.rest = frame
	}
	n := copy(p, t.rest)
	t.rest = t.rest[n:]
	return n, nil
}

// receive cuts what comes into frames.
func (t *tamper) receive() {
	var scan wire.Scanner
	buf := make([]byte, 64<<10)
	for {
		n, err := t.inner.Recv(buf)
		scan.Feed(buf[:n])
		for h, body, _, ok := scan.Next(); ok; h, body, _, ok = scan.Next() {
			t.add(h, body)
		}
		if err != nil {
			t.mu.Lock()
			t.err = err
			t.mu.Unlock()
			t.some.Broadcast()
			return
		}
	}
}

func (t *tamper) add(h wire.Header, body []byte) {
	frame := wire.AppendFrame(nil, h, body)
	t.mu.Lock()
	defer t.mu.Unlock()
	if h.Type == wire.Call || h.Type == wire.Stop {
		t.calls = append(t.calls, frame)
	} else {
		t.calm = append(t.calm, frame)
	}
	t.some.Broadcast()
}

// next returns the next frame that the worker may have.
func (t *tamper) next() ([]byte, error) {
	frame, err := t.await()
	if err != nil {
		return nil, err
	}
	switch h, _ := wire.ParseHeader(frame); h.Type {
	case wire.Call:
		t.enter(h)
		t.strike(Received, nil)
	case wire.Stop:
		t.strike(Stopping, nil)
	}
	return frame, nil
}

func (t *tamper) await() ([]byte, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for {
		switch {
		case t.err != nil:
			return nil, t.err
		case len(t.calm) > 0:
			return shift(&t.calm), nil
		case len(t.calls) > 0 && !t.busy:
			return shift(&t.calls), nil
		}
		t.some.Wait()
	}
}

func shift(q *[][]byte) []byte {
	first := (*q)[0]
	*q = (*q)[1:]
	return first
}

func (t *tamper) enter(h wire.Header) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.busy, t.seq, t.task = true, h.Seq, ""
	t.nth++
	if int(h.Task) < len(t.program.Tasks) {
		t.task = t.program.Tasks[h.Task].Name
	}
}

func (t *tamper) leave() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.busy = false
	t.some.Broadcast()
}

// Send implements transport.Peer.
func (t *tamper) Send(head, body []byte) error {
	frame := bytes.Join([][]byte{head, body}, nil)
	h, err := wire.ParseHeader(frame)
	if err != nil {
		return err
	}
	switch h.Type {
	case wire.Hello:
		t.strike(BeforeHello, frame)
	case wire.Ready, wire.Failed:
		t.strike(InInitializer, frame)
	case wire.Result, wire.Error:
		t.strike(InFunction, frame)
		frame = t.strikeAmid(frame)
	}
	if err := t.inner.Send(frame, nil); err != nil {
		return err
	}
	t.sent(h)
	return nil
}

func (t *tamper) sent(h wire.Header) {
	switch h.Type {
	case wire.Ready:
		t.strike(Idle, nil)
	case wire.Result, wire.Error:
		t.strike(AfterResult, nil)
		if h.Flags&wire.FlagRetire != 0 {
			t.strike(Retiring, nil)
		}
		t.leave()
	case wire.Returned:
		t.forget()
		t.leave()
	}
}

// forget takes back that a call was handed over: the worker will not run it, as the pool has it run elsewhere.
func (t *tamper) forget() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.nth--
}

// strike shows the faults that are due. The frame is the one that is about to be sent, if there is one.
func (t *tamper) strike(at Point, frame []byte) {
	for i, f := range t.plan.Faults {
		if f.At == at && t.due(i) {
			t.act(f, frame)
		}
	}
}

// strikeAmid shows the faults that are due in the middle of an answer. It returns what of it is still to be sent.
func (t *tamper) strikeAmid(frame []byte) []byte {
	for i, f := range t.plan.Faults {
		if f.At != InResult || !t.due(i) {
			continue
		}
		out := f.Offset
		if out < 0 {
			out += len(frame)
		}
		out = min(max(out, 0), len(frame))
		t.inner.Send(frame[:out], nil)
		frame = frame[out:]
		t.act(f, frame)
	}
	return frame
}

func (t *tamper) due(i int) bool {
	f := &t.plan.Faults[i]
	t.mu.Lock()
	task, nth := t.task, t.nth
	t.mu.Unlock()
	return (f.Task == "" || f.Task == task) && (f.Call == 0 || f.Call == nth) && t.plan.take(i)
}
