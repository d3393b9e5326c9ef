package codec

import (
	"bytes"

	"github.com/procpool/procpool/internal/item"
)

// View is a byte string that [Codec.DecodeRef] does not copy: it is valid only as long as the bytes it was decoded from.
type View []byte

// Raw is an encoded value. It passes through as it is and nobody looks inside: who gives it vouches that it is one CBOR
// item. An empty Raw is null.
type Raw []byte

// MarshalCBOR is for a Raw inside another value.
func (r Raw) MarshalCBOR() ([]byte, error) { return appendRaw(nil, r), nil }

// UnmarshalCBOR is for a Raw inside another value.
func (r *Raw) UnmarshalCBOR(b []byte) error {
	*r = bytes.Clone(b)
	return nil
}

func appendRaw(dst []byte, r Raw) []byte {
	if len(r) == 0 {
		return append(dst, item.Null)
	}
	return append(dst, r...)
}

func appendBytes(dst, b []byte) []byte {
	if b == nil {
		return append(dst, item.Null)
	}
	return append(item.AppendHead(dst, item.Bytes, uint64(len(b))), b...)
}

// readBytes returns a part of src, nil for null.
func readBytes(src []byte) (b, rest []byte, err error) {
	if item.IsNull(src) {
		return nil, src[1:], nil
	}
	if len(src) > 0 && src[0]>>5 == item.Array { // of small integers: the library's
		return nil, nil, errSlow
	}
	return readString(src, item.Bytes)
}

// readString returns the bytes of a byte or text string as a part of src.
func readString(src []byte, want byte) (b, rest []byte, err error) {
	major, info, arg, n := item.Head(src)
	if major != want || n == 0 || info == item.Indefinite {
		return nil, nil, notPlain(major, info, n)
	}
	if arg > uint64(len(src)-n) {
		return nil, nil, errSlow
	}
	end := n + int(arg)
	return src[n:end:end], src[end:], nil
}

func readText(src []byte) (string, []byte, error) {
	b, rest, err := readString(src, item.Text)
	return string(b), rest, err
}
