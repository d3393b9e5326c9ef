package transport

import (
	"testing"
)

// A message to the worker and back, alone on the way: by a caller that leads, and by a reader.
func BenchmarkHopTransport(b *testing.B) {
	for _, c := range carriers {
		for _, how := range []string{"Lead", "Recv"} {
			for _, size := range []struct {
				name  string
				bytes int
			}{{"empty", 16}, {"4KiB", 4 << 10}, {"1MiB", 1 << 20}} {
				b.Run(c.name+"/"+how+"/"+size.name, func(b *testing.B) {
					b.ReportAllocs()
					w := c.start(b, "echo")
					recv := recvFuncs(w)[how]
					body, back := make([]byte, size.bytes), make([]byte, 64<<10)
					for b.Loop() {
						if err := w.Send(body[:8], body[8:]); err != nil {
							b.Fatal(err)
						}
						for got := 0; got < size.bytes; {
							n, err := recv(back)
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
}
