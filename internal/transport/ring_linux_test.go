package transport

import (
	"encoding/binary"
	"errors"
	"io"
	"os"
	"testing"
	"time"

	"github.com/procpool/procpool/internal/leak"
)

// A ring of one page is full most of the time.
func TestSmallRing(t *testing.T) {
	leak.Check(t)
	bothDirectionsAtOnce(t, ringInProcess(t, "short", 4<<10), shortBytes)
	tornSizes(t, ringInProcess(t, "echo", 4<<10))
}

func TestNoRings(t *testing.T) {
	leak.Check(t)
	b, f, err := NewBoard(0)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	defer f.Close()
	if _, _, err := NewRing(b); err == nil {
		t.Error("a ring on a board without rings")
	}
	p := NewRingPeer(b, f)
	if _, err := p.Recv(make([]byte, 1)); err != errNoRing {
		t.Error("Recv:", err)
	}
	if err := p.Send(nil, nil); err != errNoRing {
		t.Error("Send:", err)
	}
	p.Stop()
}

// Control reaches a worker that does not receive calls.
func TestControlOvertakes(t *testing.T) {
	leak.Check(t)
	c, files, _ := newRing(t, RingSize)
	defer closeAll(files)
	defer c.Close()
	if err := c.Send(nil, make([]byte, 4*RingSize)); err != nil {
		t.Fatal(err)
	}
	if err := c.Control([]byte("now")); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 3)
	if _, err := io.ReadFull(files[0], got); err != nil || string(got) != "now" {
		t.Errorf("got %q, %v", got, err)
	}
}

// Small messages stay in the first pages, however many there were.
func TestIdleRingStaysSmall(t *testing.T) {
	leak.Check(t)
	w := ringInProcess(t, "echo", RingSize)
	c := w.Conn.(*Ring)
	for range 2000 {
		if err := w.Send(stream1(40), nil); err != nil {
			t.Fatal(err)
		}
		if _, err := recvAll(recvOf(w), 40); err != nil {
			t.Fatal(err)
		}
	}
	for name, used := range map[string]uint64{"calls": c.out.at - c.out.start, "results": c.in.at - c.in.start} {
		if used > 2*restart {
			t.Errorf("%s: %d bytes from the ring's beginning", name, used)
		}
	}
}

func TestDoorbellFlood(t *testing.T) {
	leak.Check(t)
	c, files, _ := newRing(t, RingSize)
	defer c.Close()
	flooded := make(chan struct{})
	go func() { // ends when the doorbell does
		defer close(flooded)
		for noise := make([]byte, 4096); ; {
			if _, err := files[1].Write(noise); err != nil {
				return
			}
		}
	}()
	for range 2 {
		if _, err := recvOf(c)(make([]byte, 10)); !errors.Is(err, errRing) {
			t.Error("Recv:", err)
		}
	}
	if err := c.Send(nil, []byte("x")); !errors.Is(err, errRing) {
		t.Error("Send:", err)
	}
	c.Close()
	<-flooded
	closeAll(files)
}

// Of a bell and an end that come together the poller tells once. The one must not hide the other.
func TestEndBehindBell(t *testing.T) {
	leak.Check(t)
	c, files, _ := newRing(t, RingSize)
	defer c.Close()
	files[1].Write(bell)
	closeAll(files)
	poll(t)
	late := time.AfterFunc(10*time.Second, func() {
		t.Error("Recv waits for an end that was told")
		c.Interrupt()
	})
	defer late.Stop()
	if n, err := recvOf(c)(make([]byte, 10)); n != 0 || err != io.EOF {
		t.Errorf("%d, %v, want the end", n, err)
	}
}

// poll returns once the runtime's poller has told of all that has happened until now: it tells in order.
func poll(t *testing.T) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	raw, err := r.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	written := false
	if err := raw.Read(func(uintptr) bool {
		if written {
			return true
		}
		_, err := w.Write(bell)
		written = err == nil
		return !written
	}); err != nil || !written {
		t.Fatal(err)
	}
}

// A worker may store what it likes in the words and the bytes that it shares. The pool must neither fault nor hang, and
// once it has noticed it must not trust the ring again.
func FuzzHostileWorker(f *testing.F) {
	op := func(ops []byte, do, word byte, value uint64) []byte {
		return binary.LittleEndian.AppendUint64(append(ops, do, word), value)
	}
	f.Add(op(nil, 0, 3, 1<<63))                       // the results' tail far ahead
	f.Add(op(op(nil, 0, 3, 100), 0, 3, 50))           // and moving backwards
	f.Add(op(op(nil, 1, 2, 7), 1, 2, 1<<40))          // the calls' head beyond their tail
	f.Add(op(op(nil, 2, 4, 1<<64-5), 2, 3, 4096))     // a base out of the ring
	f.Add(op(op(nil, 3, 9, 77), 3, 8, 0xffffffff))    // ways to wait that there are not
	f.Add(op(op(op(nil, 1, 0, 0), 1, 0, 0), 2, 3, 1)) // sending into a full ring
	words := []int{
		boardCalls, boardCalls + 8, boardCalls + 64, boardResults, boardResults + 8, boardResults + 64,
		boardCalls + 128, boardResults + 128, boardAsleep, boardWaits, boardSpin, boardMagic,
	}
	f.Fuzz(func(t *testing.T, ops []byte) {
		c, files, b := newRing(t, 4<<10)
		defer closeAll(files)
		defer c.Close()
		broken := false
		for ; len(ops) >= 10; ops = ops[10:] {
			b.word(words[int(ops[1])%len(words)]).Store(binary.LittleEndian.Uint64(ops[2:]))
			if err := hostileTurn(c, ops[0]); err != nil {
				broken = true
			} else if broken && ops[0]%4 != 3 {
				t.Fatal("it trusts a broken ring")
			}
		}
	})
}

// hostileTurn lets the pool do one thing.
func hostileTurn(c *Ring, do byte) error {
	p := make([]byte, 100+int(do))
	var err error
	switch do % 4 {
	case 0:
		_, err = c.TryRecv(p)
	case 1:
		if err = c.Send(p, make([]byte, 3000)); err != nil {
			return c.Send(nil, p)
		}
	case 2:
		_, err = leadOf(c, p, 0)
	case 3:
		c.flush()
		c.Nudge()
	}
	return err
}
