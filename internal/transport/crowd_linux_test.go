package transport

import (
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/procpool/procpool/internal/leak"
)

func TestCrowd(t *testing.T) {
	var c crowd
	until := func() (n int) {
		for n = 1; !c.meets(); n++ {
		}
		return n
	}
	for _, want := range []int{minPatience, 2 * minPatience, 4 * minPatience} {
		if n := until(); n != want {
			t.Errorf("the worker is asked after %d calls, want %d", n, want)
		}
	}
	for range 20 {
		until()
	}
	if n := until(); n != maxPatience {
		t.Errorf("in vain again and again: after %d calls, want %d", n, maxPatience)
	}
	for range 2 * maxPatience {
		c.spun()
	}
	if n := until(); n != minPatience {
		t.Errorf("after spinning has succeeded: %d calls, want %d", n, minPatience)
	}
}

// A worker that sleeps when it is called, and has answered when the pool looks, again and again, is told to move on. One that
// answers later is not, and nor is one that did not sleep.
func TestAskedToMoveOn(t *testing.T) {
	defer func(one bool) { oneProcessor = one }(oneProcessor)
	oneProcessor = false
	for name, test := range map[string]struct{ sleeps, late, moves bool }{
		"sleeps":       {sleeps: true, moves: true},
		"late":         {sleeps: true, late: true},
		"awake":        {},
		"awake, later": {late: true},
	} {
		t.Run(name, func(t *testing.T) {
			leak.Check(t)
			c, files, b := newRing(t, RingSize)
			defer closeAll(files)
			defer c.Close()
			p := NewRingPeer(b, files[1])
			buf := make([]byte, 8)
			asked := false
			for range 10 * minPatience {
				if test.sleeps {
					c.sleep.Store(1)
				}
				c.Send([]byte{1}, nil)
				if test.late {
					leadOf(c, buf, 0) // finds nothing
				}
				p.Recv(make([]byte, 1))
				p.Send([]byte{1}, nil)
				if n, err := leadOf(c, buf, time.Minute); n != 1 || err != nil {
					t.Fatal(n, err)
				}
				asked = asked || c.spin.Load() >= moveOn
			}
			if asked != test.moves {
				t.Errorf("asked: %v, want %v", asked, test.moves)
			}
		})
	}
}

func TestLeaveProcessor(t *testing.T) {
	leak.Check(t)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var before, after unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		t.Fatal(err)
	}
	moved := 0
	for range 100 { // whoever has moved may be moved back before we look
		here, ok := processor()
		if !ok {
			t.Fatal("the processor is not known")
		}
		leaveProcessor(here)
		if now, _ := processor(); now != here {
			moved++
		}
	}
	if err := unix.SchedGetaffinity(0, &after); err != nil || after != before {
		t.Errorf("the processors that may be used were %v, are %v, %v", before, after, err)
	}
	if several := before.Count() > 1; several != (moved > 0) {
		t.Errorf("it moved %d of 100 times", moved)
	}
	here, _ := processor()
	leaveProcessor(here + 1) // another one: nothing to do
}
