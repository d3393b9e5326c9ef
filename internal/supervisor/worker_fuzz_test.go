package supervisor

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/procpool/procpool/internal/child"
	"github.com/procpool/procpool/internal/transport"
	"github.com/procpool/procpool/internal/wire"
)

// FuzzWorkerSide gives a worker any bytes as what its pool sends. It must neither panic nor hang, and answer each call that
// it takes at most once, in order.
func FuzzWorkerSide(f *testing.F) {
	setup := wire.AppendFrame(nil, wire.Header{Type: wire.Setup}, wire.Marshal(&wire.MessageSetup{Version: wire.Version, Name: "w"}))
	call := func(b []byte, seq uint64, task uint16) []byte {
		return append(wire.AppendCall(b, seq, task, &wire.CallInfo{ID: seq, Attempt: 1}, 1), 1)
	}
	f.Add([]byte{})
	f.Add(setup)
	f.Add(call(call(setup, 1, 0), 2, 0))
	f.Add(call(call(setup, 2, 0), 1, 9))
	f.Add(wire.AppendFrame(call(setup, 1, 0), wire.Header{Type: wire.Stop}, nil))
	f.Add(wire.AppendFrame(call(setup, 1, 1), wire.Header{Type: wire.Cancel, Seq: 1}, nil))
	f.Add(wire.AppendFrame(nil, wire.Header{Type: wire.Setup}, wire.Marshal(&wire.MessageSetup{Initializer: "bad"})))
	f.Add(call(nil, 1, 0))
	f.Add(wire.Header{Type: wire.Call, Size: 1 << 30}.Append(setup))
	f.Fuzz(func(t *testing.T, sent []byte) {
		synctest.Test(t, func(t *testing.T) { feedWorker(t, sent) })
	})
}

func feedWorker(t *testing.T, sent []byte) {
	conn, peer, board := transport.NewMemory()
	conn.Send(sent, nil)
	conn.Interrupt()
	done := make(chan struct{})
	go func() { // ends when the worker sees that the pool is gone, at the latest
		child.Serve(fuzzProgram, child.Channel{Calls: peer, Control: peer, Board: board}, 1)
		peer.Close()
		close(done)
	}()
	synctest.Wait()
	checkAnswers(t, conn)
	conn.Close()
	<-done
}

// checkAnswers checks what the worker has sent.
func checkAnswers(t *testing.T, conn transport.Conn) {
	var scan wire.Scanner
	buf := make([]byte, 64<<10)
	for {
		n, err := conn.TryRecv(buf)
		if n == 0 || err != nil {
			return
		}
		scan.Feed(buf[:n])
		for h, _, _, ok := scan.Next(); ok; h, _, _, ok = scan.Next() {
			switch h.Type {
			case wire.Hello, wire.Ready, wire.Failed, wire.Result, wire.Error, wire.Returned:
			default:
				t.Fatalf("the worker sent a frame of type %d", h.Type)
			}
		}
		if err := scan.Err(); err != nil {
			t.Fatal(err)
		}
	}
}

var fuzzProgram = child.Program{
	Tasks: []child.Task{
		{Name: "echo", Run: func(_ context.Context, payload, out []byte) ([]byte, []byte, error) {
			return append(out, payload...), nil, nil
		}},
		{Name: "panic", Run: func(context.Context, []byte, []byte) ([]byte, []byte, error) { panic("on purpose") }},
	},
	Initializers: []child.Initializer{
		{Name: "bad", Run: func(context.Context, []byte) (func(), error) { panic("on purpose") }},
	},
	Describe: func(err error) wire.MessageError {
		return wire.MessageError{Kind: wire.KindError, Message: err.Error()}
	},
}
