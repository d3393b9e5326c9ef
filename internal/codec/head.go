package codec

import "encoding/binary"

// The major types of CBOR.
const (
	majorUint   = 0
	majorNeg    = 1
	majorBytes  = 2
	majorText   = 3
	majorArray  = 4
	majorMap    = 5
	majorTag    = 6
	majorSimple = 7
)

// mostHead is how many bytes a head has at most.
const mostHead = 9

// indefinite is the additional information of an item that goes on until a break.
const indefinite = 31

// Whole items of one byte.
const (
	itemEmptyMap  = 0xa0
	itemFalse     = 0xf4
	itemTrue      = 0xf5
	itemNull      = 0xf6
	itemUndefined = 0xf7
)

// appendHead appends a major type with its argument, in as few bytes as it takes.
func appendHead(dst []byte, major byte, arg uint64) []byte {
	major <<= 5
	switch {
	case arg < 24:
		return append(dst, major|byte(arg))
	case arg < 1<<8:
		return append(dst, major|24, byte(arg))
	case arg < 1<<16:
		return binary.BigEndian.AppendUint16(append(dst, major|25), uint16(arg))
	case arg < 1<<32:
		return binary.BigEndian.AppendUint32(append(dst, major|26), uint32(arg))
	}
	return binary.BigEndian.AppendUint64(append(dst, major|27), arg)
}

// head reads the head of the first item of src: its major type, its additional information, its argument, and the bytes
// these take, 0 if src is no head or ends within it.
func head(src []byte) (major, info byte, arg uint64, n int) {
	if len(src) == 0 {
		return 0, 0, 0, 0
	}
	major, info = src[0]>>5, src[0]&31
	switch {
	case info < 24:
		return major, info, uint64(info), 1
	case info == 24 && len(src) >= 2:
		return major, info, uint64(src[1]), 2
	case info == 25 && len(src) >= 3:
		return major, info, uint64(binary.BigEndian.Uint16(src[1:])), 3
	case info == 26 && len(src) >= 5:
		return major, info, uint64(binary.BigEndian.Uint32(src[1:])), 5
	case info == 27 && len(src) >= 9:
		return major, info, binary.BigEndian.Uint64(src[1:]), 9
	case info == indefinite:
		return major, info, 0, 1
	}
	return major, info, 0, 0
}

// isNull: other languages may say undefined for it.
func isNull(src []byte) bool {
	return len(src) > 0 && (src[0] == itemNull || src[0] == itemUndefined)
}
