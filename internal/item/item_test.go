package item

import (
	"bytes"
	"testing"
)

// A head is read as it was written, in as few bytes as RFC 8949 wants; a part of it is none.
func TestHead(t *testing.T) {
	for _, tt := range []struct {
		arg  uint64
		size int
	}{
		{0, 1}, {23, 1}, {24, 2}, {255, 2}, {256, 3}, {1<<16 - 1, 3}, {1 << 16, 5}, {1<<32 - 1, 5}, {1 << 32, 9}, {1<<64 - 1, MostHead},
	} {
		for major := byte(Uint); major <= Simple; major++ {
			b := AppendHead([]byte{7}, major, tt.arg)[1:]
			if m, _, arg, n := Head(append(b, 1)); m != major || arg != tt.arg || n != tt.size || len(b) != n {
				t.Errorf("%x, made of %d and %d: %d, %d, %d bytes", b, major, tt.arg, m, arg, n)
			}
			for cut := range b {
				if _, _, _, n := Head(b[:cut]); n != 0 {
					t.Errorf("%x is taken for a head of %d bytes", b[:cut], n)
				}
			}
		}
	}
	for info := byte(28); info < Indefinite; info++ {
		if _, _, _, n := Head([]byte{info, 0, 0, 0, 0, 0, 0, 0, 0}); n != 0 {
			t.Errorf("additional information %d means nothing, and is taken for a head", info)
		}
	}
	if major, info, _, n := Head([]byte{Map<<5 | Indefinite}); major != Map || info != Indefinite || n != 1 {
		t.Errorf("an indefinite map: %d, %d, %d bytes", major, info, n)
	}
}

func TestText(t *testing.T) {
	if got := AppendText(nil, "für"); !bytes.Equal(got, []byte("\x64f\xc3\xbcr")) {
		t.Errorf("%x", got)
	}
	if !IsNull([]byte{Null}) || !IsNull([]byte{Undefined}) || IsNull([]byte{False}) || IsNull(nil) {
		t.Error("null is null or undefined")
	}
}
