package wire

import (
	"bytes"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// cutAll gives the pieces to a scanner as a receiver does, and returns all frames, cut at most so many at a time. The memory
// that it receives into is used again, and spoiled before that. What the scanner gave away must not change by it.
func cutAll(t interface{ Fatalf(string, ...any) }, s *Scanner, most int, pieces ...[]byte) (all []scanned) {
	var buf []byte
	var owned [][]byte
	var kept []string
	take := func() {
		for n := most; n == most; {
			out := make([]Frame, most)
			n = s.Cut(out)
			for _, f := range out[:n] {
				if f.Owned {
					owned, kept = append(owned, f.Body), append(kept, string(f.Body))
				}
				if f.Owned && s.Trusting {
					t.Fatalf("a scanner that uses its memory again gives %d bytes of it away", len(f.Body))
				}
			}
			for _, f := range out[:n] { // all are valid until more is fed
				all = append(all, scanned{f.Header, string(f.Body)})
			}
		}
	}
	for _, p := range pieces {
		for first := true; first || len(p) > 0; first = false {
			buf = slices.Grow(buf[:0], len(p))[:len(p)]
			n := copy(s.Space(buf), p)
			s.Came(buf, n)
			p = p[n:]
			take()
			for i := range buf {
				buf[i] = 0xee
			}
		}
	}
	for i, b := range owned {
		if string(b) != kept[i] {
			t.Fatalf("%d bytes that were given away have changed", len(b))
		}
	}
	return all
}

// same fails if two scanners did not come to the same.
func same(t interface{ Fatalf(string, ...any) }, how string, s *Scanner, got []scanned, o *Scanner, want []scanned) {
	if !slices.Equal(got, want) || (s.Err() == nil) != (o.Err() == nil) || o.Err() == nil && s.Torn() != o.Torn() {
		t.Fatalf("%s: %d frames, torn %d, %v; in one %d frames, torn %d, %v",
			how, len(got), s.Torn(), s.Err(), len(want), o.Torn(), o.Err())
	}
}

// Wherever the stream is cut, Cut gives what Next gives.
func TestCutAnywhere(t *testing.T) {
	for _, b := range [][]byte{stream(), append(stream(), bytes.Repeat([]byte{0xff}, 20)...), stream()[:len(stream())-3]} {
		var whole Scanner
		want := scan(&whole, b)
		for i := range b {
			for j := i; j <= len(b); j++ {
				for _, trusting := range []bool{false, true} {
					for most := range 6 {
						s := Scanner{Trusting: trusting}
						same(t, "in three pieces", &s, cutAll(t, &s, 1+most, b[:i], b[i:j], b[j:]), &whole, want)
					}
				}
			}
		}
	}
}

// Small frames between large ones, received in pieces of any size, each where it belongs.
func TestCutLarge(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var b []byte
		sizes := rapid.SliceOfN(rapid.OneOf(rapid.IntRange(0, 40), rapid.IntRange(leastRoom-40, 4*leastRoom)), 1, 8).Draw(t, "sizes")
		for i, size := range sizes {
			b = AppendFrame(b, Header{Type: Result, Seq: uint64(i)}, bytes.Repeat([]byte{byte(i + 1)}, size))
		}
		var pieces [][]byte
		for rest := b; len(rest) > 0; {
			n := min(len(rest), rapid.OneOf(rapid.IntRange(1, 20), rapid.IntRange(1, 2*leastRoom)).Draw(t, "piece"))
			pieces = append(pieces, rest[:n])
			rest = rest[n:]
		}
		most := rapid.IntRange(1, 9).Draw(t, "most")
		var whole, fed Scanner
		want := scan(&whole, b)
		same(t, "fed", &fed, cutAll(t, &fed, most, pieces...), &whole, want)
		trusting := Scanner{Trusting: true}
		same(t, "with trust", &trusting, cutAll(t, &trusting, most, pieces...), &whole, want)
	})
}

// A scanner that trusts has room for all of a large body before it has come, any other in proportion to what has come.
func TestRoom(t *testing.T) {
	for _, c := range []struct {
		trusting         bool
		size, come, want int
	}{
		{false, 1 << 20, 9, 0},
		{false, 1 << 20, leastRoom, 1<<20 - leastRoom},
		{false, 64 << 20, leastRoom, 31*leastRoom + 31*HeaderSize},
		{true, 1 << 20, 9, 1<<20 - 9},
		{true, leastRoom + 9, 9, leastRoom},
		{true, leastRoom + 8, 9, 0},
		{true, 10, 9, 0},
	} {
		s := Scanner{Trusting: c.trusting}
		cutAll(t, &s, 1, AppendFrame(nil, Header{Type: Result, Seq: 1}, make([]byte, c.size))[:HeaderSize], make([]byte, c.come))
		if got := len(s.room()); got != c.want {
			t.Errorf("trusting %v, with %d of %d bytes: room for %d, want %d", c.trusting, c.come, c.size, got, c.want)
		}
	}
}

// A scanner that trusts makes a large body's memory once, and lets go of it when nobody needs it any more.
func TestSpareMemory(t *testing.T) {
	s := Scanner{Trusting: true}
	large := AppendFrame(nil, Header{Type: Result, Seq: 1}, make([]byte, 1<<20))
	small := AppendFrame(nil, Header{Type: Result, Seq: 2}, nil)
	send := func(b []byte) {
		var got []scanned
		if len(b) < 1000 {
			got = cutAll(t, &s, 1, b)
		} else {
			got = cutAll(t, &s, 1, b[:500], b[500:1000], b[1000:])
		}
		if len(got) != 1 || len(got[0].body) != len(b)-HeaderSize {
			t.Fatalf("%d frames of one with %d bytes", len(got), len(b))
		}
	}
	send(large)
	first := cap(s.spare)
	if first < 1<<20 {
		t.Fatalf("it keeps %d bytes", first)
	}
	send(large)
	if cap(s.spare) != first {
		t.Errorf("it keeps %d bytes for the second, and %d for the first", cap(s.spare), first)
	}
	for range mostIdle {
		send(small)
	}
	if s.spare == nil {
		t.Errorf("it let go of its memory after %d small frames", mostIdle)
	}
	send(small)
	if s.spare != nil {
		t.Errorf("it keeps %d bytes for nothing", cap(s.spare))
	}
}
