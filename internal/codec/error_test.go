package codec

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"
)

// fails returns the check that src does not decode into a T, for the reason given.
func fails[T any](src []byte, want string) func(*testing.T) {
	return func(t *testing.T) {
		var v T
		if err := For[T]().Decode(src, &v); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Decode(%x) = %v, %v; want %s", src, v, err, want)
		}
	}
}

func TestMismatch(t *testing.T) {
	text := []byte{0x61, 'a'}
	t.Run("text into int", fails[int](text, "cannot decode text string into int"))
	t.Run("float into int", fails[int](encode(t, 2.0), "cannot decode float 2 into int"))
	t.Run("null into int", fails[int]([]byte{0xf6}, "cannot decode null into int"))
	t.Run("bool into named", fails[number8]([]byte{0xf5}, "cannot decode bool into codec.number8"))
	t.Run("300 into int8", fails[int8](encode(t, 300), "cannot decode integer 300 into int8: out of range"))
	t.Run("-129 into int8", fails[int8](encode(t, -129), "cannot decode integer -129 into int8: out of range"))
	t.Run("-1 into uint", fails[uint](encode(t, -1), "cannot decode integer -1 into uint: out of range"))
	t.Run("2^63 into int64", fails[int64](encode(t, uint64(1<<63)), "integer 9223372036854775808 into int64: out of range"))
	t.Run("-2^64 into int64", fails[int64]([]byte("\x3b\xff\xff\xff\xff\xff\xff\xff\xff"), "integer -18446744073709551616"))
	t.Run("1e300 into float32", fails[float32](encode(t, 1e300), "cannot decode float 1e+300 into float32: out of range"))
	t.Run("text into float", fails[float64](text, "cannot decode text string into float64"))
	t.Run("bytes into string", fails[string](encode(t, []byte("a")), "cannot decode byte string into string"))
	t.Run("text into bytes", fails[[]byte](text, "cannot decode text string into []uint8"))
	t.Run("int into bool", fails[bool]([]byte{1}, "cannot decode integer 1 into bool"))
	t.Run("int into unit", fails[struct{}]([]byte{1}, "cannot decode integer 1 into struct {}"))
	t.Run("map into ints", fails[[]int]([]byte{0xa0}, "cannot decode map into []int"))
	t.Run("element", fails[[]string]([]byte{0x82, 0x60, 1}, "element 1 of []string: cannot decode integer 1 into string"))
	t.Run("typed element", fails[[]int16](encode(t, long(1<<20)), "element 0 of []int16: cannot decode integer 1048576 into int16"))
	t.Run("floats into ints", fails[[]int](encode(t, long(2.0)), "element 0 of []int: cannot decode float 2 into int"))
	t.Run("broken typed", fails[[]int]([]byte{0xd8, 79, 0x41, 1}, "cannot decode typed array 79 of 1 bytes into []int"))
	t.Run("float128", fails[[]float64]([]byte{0xd8, 83, 0x40}, "cannot decode typed array 83 of 0 bytes"))
	t.Run("field", fails[person](encode(t, map[string]any{"Age": "x"}), "person.Age of type int"))
	t.Run("trailing", fails[int]([]byte{1, 2}, "cannot decode int: 1 bytes follow the value"))
	t.Run("trailing struct", fails[person]([]byte{0xa0, 2, 2}, "2 bytes follow the value"))
	t.Run("nothing", fails[int](nil, "cannot decode int: EOF"))
	t.Run("cut", fails[string]([]byte{0x62, 'a'}, "cannot decode string: unexpected EOF"))
	t.Run("reserved", fails[int]([]byte{0x1c}, "cannot decode int: cbor: invalid"))
	t.Run("untagged time", fails[time.Time](text, "expect CBOR tag value"))
}

func TestLenient(t *testing.T) {
	t.Run("int into float", decodes([]byte{0x01}, 1.0))
	t.Run("negative int into float", decodes([]byte{0x20}, -1.0))
	t.Run("half into float", decodes([]byte{0xf9, 0x3e, 0x00}, 1.5))
	t.Run("small half", decodes([]byte{0xf9, 0x80, 0x01}, -math.Ldexp(1, -24)))
	t.Run("infinite half", decodes([]byte{0xf9, 0xfc, 0x00}, math.Inf(-1)))
	t.Run("single into float64", decodes([]byte{0xfa, 0x3f, 0xc0, 0, 0}, 1.5))
	t.Run("double into float32", decodes(encode(t, 1.5), float32(1.5)))
	t.Run("long head", decodes([]byte{0x1b, 0, 0, 0, 0, 0, 0, 0, 7}, int8(7)))
	t.Run("undefined", decodes([]byte{0xf7}, []string(nil)))
	t.Run("empty map", decodes([]byte{0xa0}, struct{}{}))
	t.Run("chunks", decodes([]byte{0x7f, 0x61, 'a', 0x61, 'b', 0xff}, "ab"))
	t.Run("open array", decodes([]byte{0x9f, 1, 2, 0xff}, []int{1, 2}))
	t.Run("self-described", decodes([]byte{0xd9, 0xd9, 0xf7, 1}, 1))
	t.Run("bignum", decodes([]byte{0xc2, 0x41, 5}, 5))
	t.Run("ints into bytes", decodes([]byte{0x82, 1, 2}, []byte{1, 2}))
	t.Run("in arguments", decodes([]byte{0x82, 0x7f, 0xff, 0xc2, 0x41, 5}, Args2[string, int]{"", 5}))
	t.Run("ints into floats", decodes([]byte{0x82, 1, 0xf9, 0x3e, 0x00}, []float64{1, 1.5}))
	t.Run("int32s into ints", decodes(encode(t, long[int32](-5)), long(-5)))
	t.Run("int16s into floats", decodes(encode(t, long[int16](-5)), long(-5.0)))
	t.Run("float32s into float64s", decodes(encode(t, long[float32](1.5)), long(1.5)))
	t.Run("big-endian int16", decodes([]byte{0xd8, 73, 0x44, 0xff, 0xfe, 0, 1}, []int16{-2, 1}))
	t.Run("big-endian double", decodes([]byte{0xd8, 82, 0x48, 0x3f, 0xf8, 0, 0, 0, 0, 0, 0}, []float64{1.5}))
	t.Run("typed half", decodes([]byte{0xd8, 84, 0x42, 0x00, 0x3e}, []float64{1.5}))
	t.Run("typed uint8", decodes([]byte{0xd8, 64, 0x42, 1, 255}, []int{1, 255}))
	t.Run("clamped uint8", decodes([]byte{0xd8, 68, 0x41, 255}, []uint16{255}))
}

func decodes[T any](src []byte, want T) func(*testing.T) {
	return func(t *testing.T) {
		var got T
		if err := For[T]().Decode(src, &got); err != nil || fmt.Sprintf("%#v", got) != fmt.Sprintf("%#v", want) {
			t.Errorf("Decode(%x) = %#v, %v; want %#v", src, got, err, want)
		}
	}
}

// refuses returns the check that v cannot be encoded, and that dst stays as it was.
func refuses[T any](v T, want string) func(*testing.T) {
	return func(t *testing.T) {
		out, err := For[T]().Append([]byte("before"), &v)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Append: %v, want %s", err, want)
		}
		if string(out) != "before" {
			t.Errorf("left %q", out)
		}
	}
}

type job struct {
	Name  string
	Steps map[string][]struct{ Done chan int }
}

type (
	angry     struct{ Before, Now int }
	sulky     struct{ Text furious }
	furious   int
	hidden    struct{ A, B any }
	refusing  struct{}
	reluctant struct{ R refusing }
)

var errRefused = errors.New("refused")

func (angry) MarshalCBOR() ([]byte, error)   { panic("no") }
func (*angry) UnmarshalCBOR([]byte) error    { panic("no") }
func (furious) MarshalText() ([]byte, error) { panic(errRefused) }
func (*furious) UnmarshalText([]byte) error  { panic(errRefused) }
func (refusing) MarshalCBOR() ([]byte, error) {
	return nil, errRefused
}

func TestUnsupported(t *testing.T) {
	t.Run("chan", refuses(make(chan int), "cannot encode chan int: a chan int cannot be encoded"))
	t.Run("func", refuses(func() {}, "cannot encode func()"))
	t.Run("complex", refuses(1i, "cannot encode complex128"))
	t.Run("complexes", refuses([]complex64{1}, "[]complex64[] is a complex64"))
	t.Run("uintptr", refuses(uintptr(1), "cannot encode uintptr"))
	t.Run("field", refuses(job{Steps: map[string][]struct{ Done chan int }{"a": {{}}}},
		"codec.job.Steps[][].Done is a chan int, which cannot be encoded"))
	t.Run("in any", refuses(hidden{B: make(chan int)}, "a chan int cannot be encoded"))
	t.Run("panic", refuses(angry{}, "cannot encode codec.angry: panic: no"))
	t.Run("panic inside", refuses(sulky{}, "cannot encode codec.sulky: panic: refused"))
	t.Run("invalid", refuses(dressed{Raw{0x61}}, "unexpected EOF"))
	t.Run("panic decoding", fails[angry]([]byte{1}, "cannot decode codec.angry: panic: no"))
	t.Run("panic decoding inside", fails[sulky](encode(t, map[string]string{"Text": "a"}), "cannot decode codec.sulky: panic: refused"))

	if _, err := For[reluctant]().Append(nil, new(reluctant)); !errors.Is(err, errRefused) {
		t.Errorf("the marshaler's own error is lost: %v", err)
	}
}
