package child

import (
	"context"
	"slices"
	"testing"

	"github.com/procpool/procpool/internal/leak"
	"github.com/procpool/procpool/internal/transport"
	"github.com/procpool/procpool/internal/wire"
)

// A worker that has answered as many calls as it may start runs its cleanup and leaves, without being told. One that was
// taken back was not started.
func TestLimit(t *testing.T) {
	leak.Check(t)
	cleaned := 0
	program := Program{
		Tasks: []Task{{Name: "echo", Run: func(_ context.Context, p, out []byte) (begin, rest []byte, err error) {
			return append(out, p...), nil, nil
		}}},
		Initializers: []Initializer{{Name: "begin", Run: func(context.Context, []byte) (func(), error) {
			return func() { cleaned++ }, nil
		}}},
	}
	conn, peer, board := transport.NewMemory()
	setup := wire.MessageSetup{Version: wire.Version, Name: "worker", Initializer: "begin", Limit: 2}
	conn.Control(wire.AppendFrame(nil, wire.Header{Type: wire.Setup}, wire.Marshal(&setup)))
	board.Revoke(1, true)
	for seq := range uint64(4) {
		call := wire.AppendCall(nil, seq+1, 0, &wire.CallInfo{ID: seq}, 1)
		conn.Send(append(call, 0xf6), nil)
	}
	if err := Serve(program, Channel{Calls: peer, Control: peer, Board: board}, 1); err != nil || cleaned != 1 {
		t.Errorf("it left with %v, after %d cleanups", err, cleaned)
	}
	var scan wire.Scanner
	buf := make([]byte, 4096)
	n, _ := conn.TryRecv(buf)
	scan.Feed(buf[:n])
	var got []wire.Type
	for h, _, _, ok := scan.Next(); ok; h, _, _, ok = scan.Next() {
		got = append(got, h.Type)
	}
	want := []wire.Type{wire.Hello, wire.Ready, wire.Returned, wire.Result, wire.Result}
	if !slices.Equal(got, want) {
		t.Errorf("it sent frames of types %v, want %v", got, want)
	}
	conn.Close() // ends what reads the control channel
}
