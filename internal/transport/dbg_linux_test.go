package transport
import ("testing";"time";"fmt";"golang.org/x/sys/unix")
func TestDbg(t *testing.T) {
	for i := range 60 {
	bothDirectionsAtOnce(t, ringInProcess(t, "short", 4<<10), shortBytes)
	c, files, b := newRing(t, 4096)
	b2, err := OpenBoard(int(files[2].Fd()))
	if err != nil { t.Fatal(err) }
	p := NewRingPeer(b2, files[1])
	w := inProcess(t, c, p, "echo", func() { p.Stop(); closeAll(files) })
	tm := time.AfterFunc(20*time.Second, func() {
		fmt.Println(i)
		fmt.Printf("pool in at=%d seen=%d out at=%d seen=%d pending=%v backlog=%d ended=%v bells=%d\n", c.in.at, c.in.seen, c.out.at, c.out.seen, c.pending.Load(), len(c.backlog.parts), c.ended, c.bells)
		fmt.Printf("peer in at=%d seen=%d out at=%d seen=%d\n", p.in.at, p.in.seen, p.out.at, p.out.seen)
		for _, x := range []int{256,264,320,448,456,512} { fmt.Println(x, b.word(x).Load()) }
		for _, x := range []int{200, 384,576,640,704} { fmt.Println(x, b.word32(x).Load()) }
		var q [1]unix.PollFd; q[0].Fd=int32(c.pipe.in.fd); q[0].Events=unix.POLLIN
		fmt.Println(unix.Poll(q[:],0)); fmt.Println(q)
		panic("x")
	})
	tornSizes(t, w)
	tm.Stop()
	c.Interrupt();c.Close(); p.Stop(); w.wait()
	}
}
