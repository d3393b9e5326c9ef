package child_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/procpool/procpool/internal/child"
	"github.com/procpool/procpool/internal/transport"
	"github.com/procpool/procpool/internal/wire"
)

// The tasks of the test's worker.
const (
	atOnce = iota
	untilCanceled
	slow
)

// slowTask is how long the slow task takes: shorter than the period of the watch.
const slowTask = 700 * time.Microsecond

var program = child.Program{
	Tasks: []child.Task{
		{Name: "at once", Run: func(_ context.Context, _, out []byte) (begin, rest []byte, err error) { return out, nil, nil }},
		{Name: "until canceled", Run: func(ctx context.Context, _, out []byte) (begin, rest []byte, err error) {
			<-ctx.Done()
			return out, nil, ctx.Err()
		}},
		{Name: "slow", Run: func(_ context.Context, _, out []byte) (begin, rest []byte, err error) {
			time.Sleep(slowTask)
			return out, nil, nil
		}},
	},
	Describe: func(err error) wire.MessageError {
		return wire.MessageError{Kind: wire.KindError, Message: err.Error()}
	},
}

// TestOneChannel: a worker whose calls and control frames share a channel hears of a cancel while it is busy, with one long
// task or with many short ones that it was sent at once, and goes on as before; again and again.
func TestOneChannel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn, peer, board := transport.NewMemory()
		p := &pool{t: t, conn: conn}
		served := make(chan error, 1)
		go func() { // ends at stop
			served <- child.Serve(program, child.Channel{Calls: peer, Control: peer, Board: board}, 1)
		}()
		p.send(wire.AppendFrame(nil, wire.Header{Type: wire.Setup}, wire.Marshal(&wire.MessageSetup{Name: "w"})))
		p.expect(wire.Hello, wire.Ready)
		for range 3 {
			p.send(p.call(atOnce))
			p.expect(wire.Result)

			p.send(p.call(untilCanceled))
			time.Sleep(10 * time.Millisecond)
			p.send(append(p.cancel(), p.call(atOnce)...))
			p.expect(wire.Error, wire.Result)

			p.send(append(append(p.call(slow), p.call(slow)...), append(p.call(slow), p.call(untilCanceled)...)...))
			time.Sleep(slowTask)
			p.send(p.cancel())
			p.expect(wire.Result, wire.Result, wire.Result, wire.Error)
		}
		p.send(wire.AppendFrame(nil, wire.Header{Type: wire.Stop}, nil))
		if err := <-served; err != nil {
			t.Errorf("it left with %v", err)
		}
		conn.Close()
		peer.Close()
	})
}

// pool is the other side, by hand.
type pool struct {
	t    *testing.T
	conn transport.Conn
	scan wire.Scanner
	seq  uint64
}

func (p *pool) send(frames []byte) { p.conn.Send(frames, nil) }

func (p *pool) call(task uint16) []byte {
	p.seq++
	return wire.AppendCall(nil, p.seq, task, &wire.CallInfo{ID: p.seq, Attempt: 1}, 0)
}

// cancel cancels the last call.
func (p *pool) cancel() []byte {
	return wire.AppendFrame(nil, wire.Header{Type: wire.Cancel, Seq: p.seq}, nil)
}

// expect checks that these frames have come once nothing happens any more.
func (p *pool) expect(want ...wire.Type) {
	p.t.Helper()
	time.Sleep(10 * time.Millisecond)
	synctest.Wait()
	var got []wire.Type
	buf := make([]byte, 64<<10)
	n, _ := p.conn.TryRecv(buf)
	p.scan.Feed(buf[:n])
	for h, _, _, ok := p.scan.Next(); ok; h, _, _, ok = p.scan.Next() {
		got = append(got, h.Type)
	}
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || got[i] != want[i] {
			p.t.Fatalf("frames of the types %v came, want %v", got, want)
		}
	}
}
