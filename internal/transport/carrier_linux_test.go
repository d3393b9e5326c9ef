package transport

import (
	"io"
	"os"
	"testing"
)

func init() {
	carriers = append(carriers,
		carrier{"ring", startRing},
		carrier{"ring-process", startRingProcess},
	)
	playRing = func(role string) error {
		b, err := OpenBoard(5)
		if err != nil {
			return err
		}
		go func() { // ends with the process
			io.Copy(io.Discard, os.NewFile(3, "control"))
			os.Exit(0)
		}()
		return roles[role](NewRingPeer(b, os.NewFile(4, "doorbell")))
	}
}

// newRing returns a ring, what the worker needs, and the board.
func newRing(t testing.TB, size int) (*Ring, []*os.File, *Board) {
	b, f, err := NewBoard(size)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	c, files, err := NewRing(b)
	if err != nil {
		t.Fatal(err)
	}
	return c, append(files, f), b
}

func startRing(t testing.TB, role string) *worker { return ringInProcess(t, role, RingSize) }

// ringInProcess maps the board twice, as two processes do.
func ringInProcess(t testing.TB, role string, size int) *worker {
	c, files, _ := newRing(t, size)
	b, err := OpenBoard(int(files[2].Fd()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	p := NewRingPeer(b, files[1])
	return inProcess(t, c, p, role, func() {
		p.Stop()
		closeAll(files)
	})
}

func startRingProcess(t testing.TB, role string) *worker {
	c, files, _ := newRing(t, RingSize)
	return inChild(t, c, "ring/"+role, files)
}
