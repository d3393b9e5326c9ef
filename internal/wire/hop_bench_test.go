package wire

import (
	"fmt"
	"testing"
)

// hopSizes are the payloads of every hop's benchmark, so that hops can be subtracted from each other.
var hopSizes = []struct {
	name  string
	bytes int
}{{"empty", 0}, {"4KiB", 4 << 10}, {"1MiB", 1 << 20}}

// What it costs to put the header and the fields of a call in front of a payload that is referred to.
func BenchmarkHopWireAppend(b *testing.B) {
	for _, size := range hopSizes {
		b.Run(size.name, func(b *testing.B) {
			b.ReportAllocs()
			var buf []byte
			info := CallInfo{ID: 1}
			for seq := uint64(1); b.Loop(); seq++ {
				buf = AppendCall(buf[:0], seq, 3, &info, size.bytes)
			}
		})
	}
}

// What it costs to cut a frame from what was received, whole or in parts of 64 KiB, and to read a call's fields.
func BenchmarkHopWireScan(b *testing.B) {
	const part = 64 << 10
	for _, size := range hopSizes {
		b.Run(size.name, func(b *testing.B) {
			b.ReportAllocs()
			info := CallInfo{ID: 1}
			frame := append(AppendCall(nil, 1, 3, &info, size.bytes), make([]byte, size.bytes)...)
			var s Scanner
			for b.Loop() {
				if err := scanInParts(&s, frame, part); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func scanInParts(s *Scanner, frame []byte, part int) error {
	for at := 0; at < len(frame); at += part {
		s.Feed(frame[at:min(at+part, len(frame))])
		if h, body, _, ok := s.Next(); ok {
			_, _, err := ParseCall(h.Flags, body)
			s.Next() // it keeps nothing
			return err
		}
	}
	return fmt.Errorf("no frame came: %w", s.Err())
}
