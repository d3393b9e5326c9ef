package transport

import (
	"fmt"
	"testing"
)

// A round trip of 16 bytes to a worker in a process of its own, with one message in flight.
func BenchmarkRoundTrip(b *testing.B) {
	for _, c := range carriers {
		for _, how := range []string{"Recv", "Lead"} {
			b.Run(c.name+"/"+how, func(b *testing.B) {
				w := c.start(b, "echo")
				recv := recvFuncs(w)[how]
				head, body, answer := make([]byte, 8), make([]byte, 8), make([]byte, 64)
				for b.Loop() {
					if err := w.Send(head, body); err != nil {
						b.Fatal(err)
					}
					for got := 0; got < 16; {
						n, err := recv(answer)
						if err != nil {
							b.Fatal(err)
						}
						got += n
					}
				}
			})
		}
	}
}

// Messages of 24 bytes, each answered by one, up to window of them in flight.
func BenchmarkPipelined(b *testing.B) {
	const size = 24
	for _, c := range carriers {
		for _, window := range []int{64, 1024} {
			b.Run(fmt.Sprint(c.name, "/window=", window), func(b *testing.B) {
				w := c.start(b, "answer")
				head, answers := make([]byte, size), make([]byte, 64<<10)
				recv := recvOf(w)
				flying, got := 0, 0
				for b.Loop() {
					if err := w.Send(head, nil); err != nil {
						b.Fatal(err)
					}
					for flying++; flying == window; {
						n, err := recv(answers)
						if err != nil {
							b.Fatal(err)
						}
						flying -= (got + n) / size
						got = (got + n) % size
					}
				}
			})
		}
	}
}

// A body that goes out and comes back.
func BenchmarkEcho(b *testing.B) {
	for _, c := range carriers {
		for _, size := range []int{64 << 10, 1 << 20, 64 << 20} {
			b.Run(fmt.Sprint(c.name, "/", size>>10, "KiB"), func(b *testing.B) {
				benchEcho(b, c.start(b, "echo"), size)
			})
		}
	}
}

func benchEcho(b *testing.B, w *worker, size int) {
	body, back := stream1(size), make([]byte, size)
	b.SetBytes(int64(size))
	recv := recvOf(w)
	for b.Loop() {
		if err := w.Send(nil, body); err != nil {
			b.Fatal(err)
		}
		if _, err := recvInto(recv, back); err != nil {
			b.Fatal(err)
		}
	}
}

// How large the rings should be: a body that goes out and comes back.
func BenchmarkRingSize(b *testing.B) {
	for _, ring := range []int{64 << 10, 128 << 10, 256 << 10, 512 << 10, 1 << 20} {
		for _, size := range []int{256 << 10, 1 << 20, 64 << 20} {
			b.Run(fmt.Sprint(ring>>10, "KiB/", size>>10, "KiB"), func(b *testing.B) {
				c, files, _ := newRing(b, ring)
				benchEcho(b, inChild(b, c, "ring/echo", files), size)
			})
		}
	}
}
