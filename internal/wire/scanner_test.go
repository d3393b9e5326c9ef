package wire

import (
	"bytes"
	"slices"
	"testing"
)

type scanned struct {
	Header
	body string
}

// scan feeds the pieces to a scanner and returns all frames.
func scan(s *Scanner, pieces ...[]byte) (all []scanned) {
	for _, p := range pieces {
		s.Feed(p)
		for h, body, _, ok := s.Next(); ok; h, body, _, ok = s.Next() {
			all = append(all, scanned{h, string(body)})
		}
	}
	return all
}

func stream() []byte {
	b := AppendFrame(nil, Header{Type: Hello}, []byte("hello"))
	b = AppendFrame(b, Header{Type: Ready}, nil)
	b = AppendFrame(b, Header{Type: Result, Seq: 1}, bytes.Repeat([]byte("x"), 40))
	return AppendFrame(b, Header{Type: Returned, Flags: FlagRetire, Seq: 2}, nil)
}

func TestScannerCutAnywhere(t *testing.T) {
	b := stream()
	want := scan(new(Scanner), b)
	if len(want) != 4 {
		t.Fatalf("got %d frames in one piece, want 4", len(want))
	}
	for i := range b {
		for j := i; j <= len(b); j++ {
			var s Scanner
			if got := scan(&s, b[:i], b[i:j], b[j:]); !slices.Equal(got, want) || s.Torn() != 0 || s.Err() != nil {
				t.Fatalf("cut at %d and %d: got %v, torn %d, %v", i, j, got, s.Torn(), s.Err())
			}
		}
	}
}

func TestScannerByteByByte(t *testing.T) {
	b := stream()
	if got, want := scan(new(Scanner), slices.Collect(slices.Chunk(b, 1))...), scan(new(Scanner), b); !slices.Equal(got, want) {
		t.Fatalf("got %v, want %v", got, want)
	}
}

func TestScannerTorn(t *testing.T) {
	b := stream()
	for n := range 21 {
		var s Scanner
		scan(&s, b[:n])
		if s.Torn() != n {
			t.Errorf("after %d bytes of a frame it keeps %d", n, s.Torn())
		}
	}
}

// A header is a claim, not a fact: what it says costs nothing until the bytes have come.
func TestScannerKeepsWhatArrived(t *testing.T) {
	var s Scanner
	claim := Header{Type: Result, Size: MaxBody}.Append(nil)
	scan(&s, claim, make([]byte, 100))
	if got := cap(s.part); got > 1<<12 {
		t.Errorf("116 bytes of a frame that claims %d are kept in %d", MaxBody, got)
	}
}

func TestScannerStaysBroken(t *testing.T) {
	var s Scanner
	scan(&s, Header{Type: Cancel, Size: MaxControl + 1}.Append(nil))
	err := s.Err()
	if got := scan(&s, stream()); len(got) != 0 || err == nil || s.Err() != err {
		t.Errorf("got %v, %v after %v", got, s.Err(), err)
	}
}
