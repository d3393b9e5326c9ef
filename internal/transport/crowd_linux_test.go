package transport

import (
	"runtime"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/procpool/procpool/internal/leak"
)

func TestCrowd(t *testing.T) {
	var c crowd
	until := func() (n int) {
		for n = 1; !c.sees(true, true); n++ {
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
		if c.sees(false, false) {
			t.Fatal("a worker that did not sleep is asked to move on")
		}
	}
	if n := until(); n != minPatience {
		t.Errorf("after it did not sleep: %d calls, want %d", n, minPatience)
	}
	for range 10 * maxPatience {
		if c.sees(true, true) || c.sees(true, false) {
			t.Fatal("a worker that ran elsewhere every other time is asked to move on")
		}
	}
}

// The worker learns where the pool runs, once, and both sides spin again. Where spinning is not welcome, nothing of that.
func TestPart(t *testing.T) {
	leak.Check(t)
	c, files, b := newRing(t, RingSize)
	defer closeAll(files)
	defer c.Close()
	p := NewRingPeer(b, files[1])
	p.Send([]byte{1}, nil) // it is there
	if n, err := recvOf(c)(make([]byte, 1)); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	at := pin(t)
	for _, welcome := range []bool{false, true} {
		c.SetSpin(welcome)
		c.spins, c.spinning = spinner{pause: 100}, false
		c.part()
		if c.spun(0) {
			t.Fatal("something came")
		}
		how := p.spin.Load()
		if tries := c.spins.failed > 0; tries != welcome || (how == moveOn+at) != welcome {
			t.Errorf("welcome: %v. The pool spins: %v, the worker is told %d on processor %d", welcome, tries, how, at)
		}
	}
	p.await(p.sleep, func() bool { return true })
	if how := p.spin.Load(); how != maySpin {
		t.Errorf("after the worker has moved on, it is told %d", how)
	}
}

// pin keeps the test's thread on one processor until the test is over, and returns its number.
func pin(t *testing.T) uint32 {
	runtime.LockOSThread()
	var all, one unix.CPUSet
	err := unix.SchedGetaffinity(0, &all)
	at, ok := processor()
	if one.Set(int(at)); err != nil || !ok || unix.SchedSetaffinity(0, &one) != nil {
		t.Fatal("the thread cannot be pinned:", err)
	}
	t.Cleanup(func() {
		unix.SchedSetaffinity(0, &all)
		runtime.UnlockOSThread()
	})
	return at
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
