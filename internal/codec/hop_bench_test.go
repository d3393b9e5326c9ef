package codec

import "testing"

// What it costs to encode and to decode bytes: as a value of the receiver's own, and as a View that lies where it is.
func BenchmarkHopCodec(b *testing.B) {
	for _, size := range []struct {
		name  string
		bytes int
	}{{"empty", 0}, {"4KiB", 4 << 10}, {"1MiB", 1 << 20}} {
		payload := make([]byte, size.bytes)
		bench("bytes/"+size.name, payload)(b)
		viewed(b, "view/"+size.name, payload)
	}
}

func viewed(b *testing.B, name string, payload View) {
	c := For[View]()
	data, err := c.Append(nil, &payload)
	if err != nil {
		b.Fatal(err)
	}
	b.Run(name+"/decode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var v View
			if err := c.DecodeRef(data, &v); err != nil {
				b.Fatal(err)
			}
		}
	})
}
