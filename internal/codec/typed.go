package codec

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"
	"slices"
	"unsafe"

	"github.com/procpool/procpool/internal/item"
)

// Typed arrays (RFC 8746): a tag from 64 to 87 that tells the type of the elements, and a byte string that holds them as
// they lie in memory. The tag's low bits are 1fseLL: float, signed, little-endian, and the size as a power of two.
//
//	64 uint8     65 uint16    66 uint32    67 uint64      big-endian
//	68 uint8     69 uint16    70 uint32    71 uint64      little-endian; 68 is uint8 with clamped arithmetic
//	72 int8      73 int16     74 int32     75 int64       big-endian
//	76 (none)    77 int16     78 int32     79 int64       little-endian
//	80 float16   81 float32   82 float64   83 float128    big-endian
//	84 float16   85 float32   86 float64   87 float128    little-endian
//
// Ours have the byte order of the machine, which is little-endian wherever Go commonly runs: encoding is one copy, and so
// is decoding what the same kind of machine sent. Other orders and element types are converted one by one.
const (
	typedFirst = 64
	typedLast  = 87
	typedNone  = 76

	typedLittle = 1 << 2
	typedSigned = 1 << 3
	typedFloat  = 1 << 4
)

// typedMin is the length from which a typed array is worth its tag; shorter slices stay plain, for other languages' sake.
const typedMin = 32

var littleEndian = binary.NativeEndian.Uint16([]byte{1, 0}) == 1

// typedTag returns the tag of a []E as it lies in memory.
func typedTag[E number]() uint64 {
	var e E
	size := uint64(unsafe.Sizeof(e))
	tag := typedFirst | uint64(bits.TrailingZeros64(size))
	switch {
	case E(1)/2 != 0: // sizes of floats count from 2
		tag = tag - 1 | typedFloat
	case e-1 < 0:
		tag |= typedSigned
	}
	if littleEndian && size > 1 {
		tag |= typedLittle
	}
	return tag
}

// appendNumbers appends null, a plain array whose elements are appended by add, or a typed array.
func appendNumbers[E number](dst []byte, list []E, add func([]byte, E) []byte) []byte {
	if len(list) < typedMin {
		return appendSlice(dst, list, add)
	}
	b := memory(list)
	dst = slices.Grow(dst, len(b)+16)
	dst = item.AppendHead(dst, item.Tag, typedTag[E]())
	return append(item.AppendHead(dst, item.Bytes, uint64(len(b))), b...)
}

// memory is list as it lies there. Any memory may be seen as bytes; the other way round alignment would matter.
func memory[E number](list []E) []byte {
	var e E
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(list))), len(list)*int(unsafe.Sizeof(e)))
}

// readNumbers reads null, a plain or a typed array; read takes one element in its plain form.
func readNumbers[E number](s *shape, src []byte, read func([]byte) (E, []byte, error)) (list []E, rest []byte, err error) {
	major, info, tag, n := item.Head(src)
	if major != item.Tag || info == item.Indefinite || tag < typedFirst || tag > typedLast || tag == typedNone {
		return readSlice(s, src, read)
	}
	b, rest, err := readString(src[n:], item.Bytes)
	if err != nil {
		return nil, nil, errSlow
	}
	size := typedSize(tag)
	if len(b)%size != 0 || size > 8 {
		return nil, nil, fmt.Errorf("cannot decode typed array %d of %d bytes into %v", tag, len(b), s.typ)
	}
	list = make([]E, len(b)/size)
	if tag == typedTag[E]() {
		copy(memory(list), b)
		return list, rest, nil
	}
	var buf [9]byte
	for i := range list {
		item := appendTypedItem(buf[:0], tag, b[i*size:(i+1)*size])
		if list[i], _, err = read(item); err != nil {
			return nil, nil, s.explainElement(i, item, err)
		}
	}
	return list, rest, nil
}

func typedSize(tag uint64) int {
	size := 1 << (tag & 3)
	if tag&typedFloat != 0 {
		size *= 2
	}
	return size
}

// appendTypedItem appends one element of a typed array in its plain form.
func appendTypedItem(dst []byte, tag uint64, b []byte) []byte {
	var raw uint64
	for i := range b {
		at := i
		if tag&typedLittle != 0 {
			at = len(b) - 1 - i
		}
		raw = raw<<8 | uint64(b[at])
	}
	switch {
	case tag&typedFloat != 0:
		return appendTypedFloat(dst, raw, len(b))
	case tag&typedSigned != 0:
		unused := 64 - 8*len(b)
		return appendInt(dst, int64(raw<<unused)>>unused)
	}
	return item.AppendHead(dst, item.Uint, raw)
}

func appendTypedFloat(dst []byte, raw uint64, size int) []byte {
	switch size {
	case 2:
		return appendFloat64(dst, fromHalf(uint16(raw)))
	case 4:
		return appendFloat32(dst, math.Float32frombits(uint32(raw)))
	}
	return appendFloat64(dst, math.Float64frombits(raw))
}
