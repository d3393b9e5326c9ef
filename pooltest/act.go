package pooltest

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"time"

	"github.com/procpool/procpool/internal/wire"
)

// fdBoard is where a worker finds the board: see docs/protocol.md.
const fdBoard = 5

// act misbehaves. It returns only if the worker goes on.
func (t *tamper) act(f Fault, frame []byte) {
	switch f.Do {
	case Exit0:
		os.Exit(0)
	case Exit1:
		os.Exit(1)
	case Panic:
		go panic("pooltest: on purpose")
	case Fatal:
		go new(sync.Mutex).Unlock()
	case Torn:
		t.half(frame)
		os.Exit(1)
	case Half:
		t.half(frame)
	case Flood:
		flood()
	case Garbage:
		t.inner.Send(garbage(), nil)
	case Twice:
		t.inner.Send(frame, nil)
		return
	case Foreign:
		t.answer(t.seq + 1000)
		return
	case Early:
		t.answer(t.seq + 1)
		return
	case Huge:
		t.inner.Send(wire.Header{Type: wire.Result, Seq: t.seq, Size: 1 << 30}.Append(nil), nil)
	case TooHuge:
		t.inner.Send(wire.Header{Type: wire.Hello, Size: 1<<32 - 1}.Append(nil), nil)
	case OutOfTurn:
		t.inner.Send(wire.AppendFrame(nil, wire.Header{Type: wire.Ready}, nil), nil)
		return
	case Random:
		t.rave(f.Seed)
	case Unknown:
		t.babble()
	case Noise:
		noise()
		return
	case Slow:
		time.Sleep(f.For)
		return
	default:
		if t.actSystem(f.Do) {
			return
		}
	}
	hang()
}

func hang() {
	for {
		time.Sleep(time.Hour)
	}
}

// half sends the first half of a frame; if none is due, of one that it makes up.
func (t *tamper) half(frame []byte) {
	if frame == nil {
		frame = wire.AppendFrame(nil, wire.Header{Type: wire.Result, Seq: t.seq + 1}, make([]byte, 100))
	}
	t.inner.Send(frame[:len(frame)/2], nil)
}

func (t *tamper) answer(seq uint64) {
	t.inner.Send(wire.AppendFrame(nil, wire.Header{Type: wire.Result, Seq: seq}, []byte{0}), nil)
}

// babble sends frames that mean nothing.
func (t *tamper) babble() {
	var frames []byte
	for range 1000 {
		frames = wire.AppendFrame(frames, wire.Header{Type: 70}, []byte("blah"))
	}
	for t.inner.Send(frames, nil) == nil {
	}
}

// rave writes nonsense to everything that the pool listens to, for ever. Some of it looks like frames.
func (t *tamper) rave(seed uint64) {
	r := rand.New(rand.NewPCG(seed, 0))
	board := os.NewFile(fdBoard, "board")
	for {
		p := make([]byte, 1<<r.IntN(12))
		for i := range p {
			p[i] = byte(r.Uint32())
		}
		switch r.IntN(8) {
		case 0:
			os.Stdout.Write(p)
		case 1:
			os.Stderr.Write(p)
		case 2:
			board.WriteAt(p, int64(r.IntN(4096)))
		case 3:
			board.Write(p)
		case 4:
			time.Sleep(time.Duration(r.IntN(5)) * time.Millisecond)
		case 5:
			t.inner.Send(p, nil)
		default:
			h := wire.Header{Type: wire.Type(r.IntN(40)), Seq: t.seq + r.Uint64N(3)}
			t.inner.Send(wire.AppendFrame(nil, h, p), nil)
		}
	}
}

// garbage is always the same, so that what is made of it is too. It begins like a frame of a type that there is not.
func garbage() []byte {
	b := binary.LittleEndian.AppendUint32(nil, 7)
	for i := range 4096 {
		b = append(b, byte(i*i>>3)|0x80)
	}
	return b
}

func noise() {
	fmt.Fprint(os.Stdout, "noise on stdout\nand no end of line")
	fmt.Fprint(os.Stderr, "noise on stderr\n\x00\xff\x1b[31m and no end of line")
}

func flood() {
	b := make([]byte, 32<<10)
	for i := range b {
		b[i] = 'x'
	}
	for {
		os.Stderr.Write(b)
	}
}
