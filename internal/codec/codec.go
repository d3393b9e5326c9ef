// Package codec is how Go values become bytes and back: CBOR (RFC 8949), the same for Go, Python and every other worker.
//
// Scalars, strings, byte strings, slices of them, and structs of these take paths written here: no reflection, no boxing, and no
// allocation but the value's own. Everything else goes to github.com/fxamacker/cbor/v2, set up in library.go. Which path a type
// takes is chosen once, by [For]; the bytes are plain CBOR either way.
//
// What is particular:
//   - A nil slice or map is null, an empty one is empty; both come back as they were.
//   - Slices of 32 numbers and more are typed arrays (RFC 8746), copied in one go.
//   - A string may hold any bytes, as in Go. CBOR wants UTF-8 in text; other languages may refuse what is not.
//   - Integers come from integers only, and must fit. Floats come from integers and from floats of every width.
//   - In an any, integers are int64 (*big.Int beyond), maps are map[string]any.
package codec

import (
	"fmt"
	"unsafe"

	"github.com/procpool/procpool/internal/item"
)

// Codec encodes and decodes values of type T. It is a small value and safe for concurrent use. The zero Codec is not
// usable; make one with [For].
type Codec[T any] struct{ shape *shape }

// For chooses how values of type T are encoded. It uses reflection, so make a Codec once and keep it. It never fails: a
// type that cannot be encoded is told by Append.
func For[T any]() Codec[T] { return Codec[T]{shapeOf[T]()} }

// Spread reports whether T is an argument list, [Args2] or [Args3], which is encoded as an array of its arguments.
func (c Codec[T]) Spread() bool { return c.shape.kind == kindArgs }

// Append appends the encoded *v to dst. On error it returns dst as it was; a panic in a user's marshaler is an error.
//
// What the fast paths are given stays on the caller's stack. For that the library, which keeps nothing on any stack,
// gets a copy of *v.
func (c Codec[T]) Append(dst []byte, v *T) ([]byte, error) {
	if c.shape.fast {
		return c.shape.append(dst, unsafe.Pointer(v)), nil
	}
	x := *v
	return c.shape.appendSlow(dst, unsafe.Pointer(&x))
}

// AppendRef is Append, but the content of a large byte or text string is not copied: it is returned as rest, which belongs
// behind out and is a part of *v.
func (c Codec[T]) AppendRef(dst []byte, v *T) (out, rest []byte, err error) {
	if c.Size(v) < largeString {
		out, err = c.Append(dst, v)
		return out, nil, err
	}
	if c.shape.kind == kindString {
		s := *(*string)(unsafe.Pointer(v))
		return item.AppendHead(dst, item.Text, uint64(len(s))), unsafe.Slice(unsafe.StringData(s), len(s)), nil
	}
	rest = *(*[]byte)(unsafe.Pointer(v))
	if c.shape.kind != kindRaw {
		dst = item.AppendHead(dst, item.Bytes, uint64(len(rest)))
	}
	return dst, rest, nil
}

// largeString is from where a string is worth a part of its own.
const largeString = 64 << 10

// Size returns about how many bytes Append will append for what is mostly bytes; 0 for anything else.
func (c Codec[T]) Size(v *T) int {
	switch c.shape.kind {
	case kindView, kindBytes, kindRaw:
		return item.MostHead + len(*(*[]byte)(unsafe.Pointer(v)))
	case kindString:
		return item.MostHead + len(*(*string)(unsafe.Pointer(v)))
	}
	return 0
}

// Decode sets *v to the value whose encoding is src, all of src. *v shares nothing with src. Whatever src holds, Decode
// does not panic, also when a user's unmarshaler does, and allocates in proportion to len(src). After an error *v may
// hold anything.
func (c Codec[T]) Decode(src []byte, v *T) error { return c.decode(src, v, shareNothing) }

// DecodeRef is Decode, but a [View], also one in an argument list, is a part of src instead of a copy.
func (c Codec[T]) DecodeRef(src []byte, v *T) error { return c.decode(src, v, shareViews) }

// DecodeOwned is Decode for bytes that are given away: every byte string of a fast path is a part of src instead of a copy.
func (c Codec[T]) DecodeOwned(src []byte, v *T) error { return c.decode(src, v, shareBytes) }

// sharing is which values are a part of what they are decoded from.
type sharing uint8

const (
	shareNothing sharing = iota
	shareViews
	shareBytes
)

func (s sharing) with(k kind) bool { return s == shareBytes || s == shareViews && k == kindView }

func (c Codec[T]) decode(src []byte, v *T, share sharing) error {
	if c.shape.fast {
		rest, err := c.shape.decode(src, unsafe.Pointer(v), share)
		if err == nil && len(rest) == 0 {
			return nil
		}
		if err != errSlow && !isJSON(src) {
			return c.shape.finish(rest, err)
		}
	}
	var x T
	rest, err := c.shape.decodeSlow(src, unsafe.Pointer(&x), share)
	*v = x
	return c.shape.finish(rest, err)
}

func (s *shape) finish(rest []byte, err error) error {
	if err == nil && len(rest) > 0 {
		err = fmt.Errorf("cannot decode %v: %d bytes follow the value", s.typ, len(rest))
	}
	return err
}
