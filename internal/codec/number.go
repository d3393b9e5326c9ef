package codec

import (
	"encoding/binary"
	"math"

	"github.com/procpool/procpool/internal/item"
)

type integer interface {
	int8 | int16 | int32 | int64 | uint8 | uint16 | uint32 | uint64
}

type float interface{ float32 | float64 }

type number interface{ integer | float }

func appendInt(dst []byte, i int64) []byte {
	if i < 0 {
		return item.AppendHead(dst, item.Neg, uint64(^i))
	}
	return item.AppendHead(dst, item.Uint, uint64(i))
}

// appendInteger appends any integer: a negative one cannot be larger than an int64.
func appendInteger[E integer](dst []byte, e E) []byte {
	if e < 0 {
		return appendInt(dst, int64(e))
	}
	return item.AppendHead(dst, item.Uint, uint64(e))
}

func readInteger[E integer](src []byte) (e E, rest []byte, err error) {
	major, info, arg, n := item.Head(src)
	if major > item.Neg || n == 0 || info == item.Indefinite {
		return 0, nil, notPlain(major, info, n)
	}
	e, ok := fit[E](major == item.Neg, arg)
	if !ok {
		return 0, nil, errRange
	}
	return e, src[n:], nil
}

// fit returns arg, or -1-arg if neg, and whether E can hold it.
func fit[E integer](neg bool, arg uint64) (E, bool) {
	e := E(arg)
	if neg {
		return ^e, ^e < 0 && uint64(e) == arg
	}
	return e, e >= 0 && uint64(e) == arg
}

func appendFloat32(dst []byte, f float32) []byte {
	return binary.BigEndian.AppendUint32(append(dst, item.Simple<<5|26), math.Float32bits(f))
}

func appendFloat64(dst []byte, f float64) []byte {
	return binary.BigEndian.AppendUint64(append(dst, item.Simple<<5|27), math.Float64bits(f))
}

func readFloat[E float](src []byte) (e E, rest []byte, err error) {
	major, info, arg, n := item.Head(src)
	if n == 0 || info == item.Indefinite {
		return 0, nil, errSlow
	}
	var f float64
	switch {
	case major == item.Uint:
		f = float64(arg)
	case major == item.Neg:
		f = -1 - float64(arg)
	case major == item.Simple && info == 25:
		f = fromHalf(uint16(arg))
	case major == item.Simple && info == 26:
		f = float64(math.Float32frombits(uint32(arg)))
	case major == item.Simple && info == 27:
		f = math.Float64frombits(arg)
	default:
		return 0, nil, notPlain(major, info, n)
	}
	e = E(f)
	if math.IsInf(float64(e), 0) && !math.IsInf(f, 0) {
		return 0, nil, errRange
	}
	return e, src[n:], nil
}

// fromHalf widens a float of 16 bits: sign, 5 bits of exponent, 10 of fraction.
func fromHalf(h uint16) float64 {
	exp, frac := int(h>>10&31), float64(h&1023)
	var f float64
	switch exp {
	case 0:
		f = math.Ldexp(frac, -24)
	case 31:
		f = math.Inf(1)
		if frac != 0 {
			f = math.NaN()
		}
	default:
		f = math.Ldexp(frac+1024, exp-25)
	}
	return math.Copysign(f, 1-2*float64(h>>15))
}

func appendBool(dst []byte, b bool) []byte {
	if b {
		return append(dst, item.True)
	}
	return append(dst, item.False)
}

func readBool(src []byte) (b bool, rest []byte, err error) {
	if len(src) == 0 || src[0]>>1 != item.False>>1 {
		major, info, _, n := item.Head(src)
		return false, nil, notPlain(major, info, n)
	}
	return src[0] == item.True, src[1:], nil
}

// readUnit: nothing is null, or a struct without fields.
func readUnit(src []byte) (u struct{}, rest []byte, err error) {
	if item.IsNull(src) || len(src) > 0 && src[0] == item.EmptyMap {
		return u, src[1:], nil
	}
	major, info, _, n := item.Head(src)
	return u, nil, notPlain(major, info, n)
}
