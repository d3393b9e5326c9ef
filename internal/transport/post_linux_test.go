package transport

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/procpool/procpool/internal/leak"
)

// posting is a ring of which this test plays the worker.
type posting struct {
	t      *testing.T
	c      *Ring
	peer   *RingPeer
	looked chan struct{} // a Recv has looked, found nothing, and is about to sleep
	got    chan []byte
}

func newPosting(t *testing.T) *posting {
	c, files, _ := newRing(t, 4<<10)
	b, err := OpenBoard(int(files[2].Fd()))
	if err != nil {
		t.Fatal(err)
	}
	c.SetSpin(false)
	p := &posting{t, c, NewRingPeer(b, files[1]), make(chan struct{}, 1000), make(chan []byte, 1000)}
	look := c.receive
	c.receive = func(fd uintptr) bool {
		found := look(fd)
		if !found {
			p.looked <- struct{}{}
		}
		return found
	}
	t.Cleanup(func() {
		c.Close()
		closeAll(files)
		b.Close()
	})
	return p
}

// receive receives n bytes on a goroutine of its own, which ends when it has them.
func (p *posting) receive(n int, recv func([]byte) (int, error)) {
	go func() {
		b, err := recvAll(recv, n)
		if err != nil {
			b = fmt.Append(b, err)
		}
		p.got <- b
	}()
}

func (p *posting) post(frame string) {
	p.t.Helper()
	if err := p.peer.Post([]byte(frame)); err != nil {
		p.t.Fatal(err)
	}
}

// want waits for what the goroutine receives.
func (p *posting) want(want string) {
	p.t.Helper()
	select {
	case b := <-p.got:
		if string(b) != want {
			p.t.Errorf("got %q, want %q", b, want)
		}
	case <-time.After(time.Minute):
		p.t.Fatalf("%q was not received", want)
	}
}

// asleep fails unless the pool still waits for a byte on the doorbell, so that nobody has told it of anything.
func (p *posting) asleep() {
	p.t.Helper()
	if how := p.c.waits.Load(); how != byBell {
		p.t.Fatalf("the pool waits in way %d: somebody told it", how)
	}
}

// What is posted does not wake the pool. Tell does.
func TestTellAfterPost(t *testing.T) {
	leak.Check(t)
	p := newPosting(t)
	p.peer.Tell() // of nothing
	for range 100 {
		p.receive(2, recvOf(p.c))
		<-p.looked
		p.peer.Tell()
		p.post("a")
		p.post("b")
		p.asleep()
		p.peer.Tell()
		p.want("ab")
	}
}

// A sleeping pool that looks again, for it was nudged, sees what was posted; and it is not woken for nothing.
func TestNudgeAfterPost(t *testing.T) {
	leak.Check(t)
	p := newPosting(t)
	for range 100 {
		p.receive(1, recvOf(p.c))
		<-p.looked
		p.c.Nudge()
		p.asleep()
		p.post("a")
		p.asleep()
		p.c.Nudge()
		p.want("a")
		p.peer.Tell()
	}
}

// The same for a caller who blocks his thread, at whatever moment he is nudged.
func TestNudgeALeader(t *testing.T) {
	leak.Check(t)
	p := newPosting(t)
	for i := range 1000 {
		p.receive(1, recvFuncs(p.c)["Lead"])
		if i%2 == 0 {
			for p.c.waits.Load() != inThread {
				runtime.Gosched() // he is about to sleep
			}
		}
		p.post("a")
		p.c.Nudge()
		p.want("a")
	}
}

// A pool that sleeps hears of what was posted at the latest with frame mostUntold+1, told or not.
func TestManyPostsTell(t *testing.T) {
	leak.Check(t)
	p := newPosting(t)
	for range 3 { // what is told once is not counted again
		p.receive(mostUntold+1, recvOf(p.c))
		<-p.looked
		for range mostUntold {
			p.post("x")
		}
		p.asleep()
		p.post("y")
		p.want(string(bytes.Repeat([]byte("x"), mostUntold)) + "y")
	}
}

// A frame for which there is no room is told of, with what was posted before it.
func TestPostWithoutRoom(t *testing.T) {
	leak.Check(t)
	p := newPosting(t)
	p.receive(1+5<<10, recvOf(p.c))
	<-p.looked
	p.post("x")
	p.asleep()
	large := bytes.Repeat([]byte("y"), 5<<10)
	if err := p.peer.Post(large); err != nil {
		t.Fatal(err)
	}
	p.want("x" + string(large))
}

// So it is when what was posted fills the ring to the last byte: only a pool that knows can make room.
func TestSendBehindAFullRing(t *testing.T) {
	leak.Check(t)
	p := newPosting(t)
	p.receive(4<<10+1, recvOf(p.c))
	<-p.looked
	full := string(bytes.Repeat([]byte("x"), 1<<10))
	for range 4 {
		p.post(full)
	}
	p.asleep()
	sent := make(chan error, 1)
	go func() { sent <- p.peer.Send([]byte("y"), nil) }() // ends when there is room
	p.want(full + full + full + full + "y")
	if err := <-sent; err != nil {
		t.Error(err)
	}
}

// postText is sendText for a worker that posts most of it.
func postText(p *RingPeer, size int) error {
	n := 0
	err := sendText(2, size, func(head, body []byte) error {
		if n++; n%7 == 0 {
			return p.Send(head, body)
		}
		return errors.Join(p.Post(head), p.Post(body))
	})
	p.Tell()
	return err
}

// What is posted keeps its order with what is sent, through a ring that is full most of the time, whichever way the pool
// waits.
func TestPostKeepsOrder(t *testing.T) {
	leak.Check(t)
	for name := range recvFuncs(&Memory{}) {
		t.Run(name, func(t *testing.T) {
			p := newPosting(t)
			p.c.receive = p.c.received
			posted := make(chan error, 1)
			go func() { posted <- postText(p.peer, shortBytes) }() // ends when all has been received
			err := expectText(2, shortBytes, recvFuncs(p.c)[name])
			if err := errors.Join(err, <-posted); err != nil {
				t.Fatal(err)
			}
		})
	}
}
