package codec

import (
	"bytes"
	"unsafe"

	"github.com/procpool/procpool/internal/item"
)

// append appends the value at p, whose shape is fast. The pointer does not leave it: the compiler sees every callee.
func (s *shape) append(dst []byte, p unsafe.Pointer) []byte {
	switch s.kind {
	case kindArgs:
		return s.appendArgs(dst, p)
	case kindStruct:
		return s.appendStruct(dst, p)
	case kindRaw:
		return appendRaw(dst, *(*Raw)(p))
	case kindView, kindBytes:
		return appendBytes(dst, *(*[]byte)(p))
	case kindBool:
		return appendBool(dst, *(*bool)(p))
	case kindString:
		return item.AppendText(dst, *(*string)(p))
	case kindInt8:
		return appendInt(dst, int64(*(*int8)(p)))
	case kindInt16:
		return appendInt(dst, int64(*(*int16)(p)))
	case kindInt32:
		return appendInt(dst, int64(*(*int32)(p)))
	case kindInt64:
		return appendInt(dst, *(*int64)(p))
	case kindUint8:
		return item.AppendHead(dst, item.Uint, uint64(*(*uint8)(p)))
	case kindUint16:
		return item.AppendHead(dst, item.Uint, uint64(*(*uint16)(p)))
	case kindUint32:
		return item.AppendHead(dst, item.Uint, uint64(*(*uint32)(p)))
	case kindUint64:
		return item.AppendHead(dst, item.Uint, *(*uint64)(p))
	case kindFloat32:
		return appendFloat32(dst, *(*float32)(p))
	case kindFloat64:
		return appendFloat64(dst, *(*float64)(p))
	case kindUnit:
		return append(dst, item.Null)
	}
	return s.appendMany(dst, p)
}

func (s *shape) appendMany(dst []byte, p unsafe.Pointer) []byte {
	switch s.kind {
	case kindBool | many:
		return appendSlice(dst, *(*[]bool)(p), appendBool)
	case kindString | many:
		return appendSlice(dst, *(*[]string)(p), item.AppendText)
	case kindInt8 | many:
		return appendNumbers(dst, *(*[]int8)(p), appendInteger)
	case kindInt16 | many:
		return appendNumbers(dst, *(*[]int16)(p), appendInteger)
	case kindInt32 | many:
		return appendNumbers(dst, *(*[]int32)(p), appendInteger)
	case kindInt64 | many:
		return appendNumbers(dst, *(*[]int64)(p), appendInteger)
	case kindUint16 | many:
		return appendNumbers(dst, *(*[]uint16)(p), appendInteger)
	case kindUint32 | many:
		return appendNumbers(dst, *(*[]uint32)(p), appendInteger)
	case kindUint64 | many:
		return appendNumbers(dst, *(*[]uint64)(p), appendInteger)
	case kindFloat32 | many:
		return appendNumbers(dst, *(*[]float32)(p), appendFloat32)
	case kindFloat64 | many:
		return appendNumbers(dst, *(*[]float64)(p), appendFloat64)
	}
	panic("codec: a kind without an encoder")
}

// decode reads the first item of src into the value at p, whose shape is fast, and returns what follows it. errSlow means
// that the item may be right all the same, and decodeSlow has to look.
func (s *shape) decode(src []byte, p unsafe.Pointer, share sharing) (rest []byte, err error) {
	switch s.kind {
	case kindArgs:
		return s.decodeArgs(src, p, share)
	case kindStruct:
		return s.decodeStruct(src, p)
	case kindRaw:
		if isJSON(src) {
			return nil, errSlow
		}
		*(*Raw)(p) = bytes.Clone(src)
		return nil, nil
	case kindView, kindBytes:
		*(*[]byte)(p), rest, err = readBytes(src)
		if !share.with(s.kind) {
			*(*[]byte)(p) = bytes.Clone(*(*[]byte)(p))
		}
	case kindBool:
		*(*bool)(p), rest, err = readBool(src)
	case kindString:
		*(*string)(p), rest, err = readText(src)
	case kindInt8:
		*(*int8)(p), rest, err = readInteger[int8](src)
	case kindInt16:
		*(*int16)(p), rest, err = readInteger[int16](src)
	case kindInt32:
		*(*int32)(p), rest, err = readInteger[int32](src)
	case kindInt64:
		*(*int64)(p), rest, err = readInteger[int64](src)
	case kindUint8:
		*(*uint8)(p), rest, err = readInteger[uint8](src)
	case kindUint16:
		*(*uint16)(p), rest, err = readInteger[uint16](src)
	case kindUint32:
		*(*uint32)(p), rest, err = readInteger[uint32](src)
	case kindUint64:
		*(*uint64)(p), rest, err = readInteger[uint64](src)
	case kindFloat32:
		*(*float32)(p), rest, err = readFloat[float32](src)
	case kindFloat64:
		*(*float64)(p), rest, err = readFloat[float64](src)
	case kindUnit:
		_, rest, err = readUnit(src)
	default:
		return s.decodeMany(src, p)
	}
	if err != nil {
		return nil, s.explain(src, err)
	}
	return rest, nil
}

func (s *shape) decodeMany(src []byte, p unsafe.Pointer) (rest []byte, err error) {
	switch s.kind {
	case kindBool | many:
		*(*[]bool)(p), rest, err = readSlice(s, src, readBool)
	case kindString | many:
		*(*[]string)(p), rest, err = readSlice(s, src, readText)
	case kindInt8 | many:
		*(*[]int8)(p), rest, err = readNumbers(s, src, readInteger[int8])
	case kindInt16 | many:
		*(*[]int16)(p), rest, err = readNumbers(s, src, readInteger[int16])
	case kindInt32 | many:
		*(*[]int32)(p), rest, err = readNumbers(s, src, readInteger[int32])
	case kindInt64 | many:
		*(*[]int64)(p), rest, err = readNumbers(s, src, readInteger[int64])
	case kindUint16 | many:
		*(*[]uint16)(p), rest, err = readNumbers(s, src, readInteger[uint16])
	case kindUint32 | many:
		*(*[]uint32)(p), rest, err = readNumbers(s, src, readInteger[uint32])
	case kindUint64 | many:
		*(*[]uint64)(p), rest, err = readNumbers(s, src, readInteger[uint64])
	case kindFloat32 | many:
		*(*[]float32)(p), rest, err = readNumbers(s, src, readFloat[float32])
	case kindFloat64 | many:
		*(*[]float64)(p), rest, err = readNumbers(s, src, readFloat[float64])
	default:
		panic("codec: a kind without a decoder")
	}
	return rest, err
}
