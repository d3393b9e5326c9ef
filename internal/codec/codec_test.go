package codec

import (
	"bytes"
	"math"
	"math/big"
	"net/netip"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/procpool/procpool/internal/item"
)

type (
	number8  int8
	name     string
	blob     []byte
	names    []name
	degree   float64
	degrees  []degree
	empty    struct{}
	nested   struct{ Inner person }
	pair     struct{ List Args2[int, string] }
	embeds   struct{ Args2[int, int] }
	dressed  struct{ Raw Raw }
	inverted []upper
)

type person struct {
	Name    string
	Age     int
	Weight  float64
	Admin   bool
	Photo   []byte
	Friends []string
	Scores  map[string]int
	Born    time.Time
}

// upper decides itself how it is encoded.
type upper string

func (u upper) MarshalText() ([]byte, error) { return bytes.ToUpper([]byte(u)), nil }
func (u *upper) UnmarshalText(b []byte) error {
	*u = upper(b)
	return nil
}

// roundTrip returns the check that each value comes back as it was.
func roundTrip[T any](values ...T) func(*testing.T) {
	return func(t *testing.T) {
		c := For[T]()
		for _, v := range values {
			b, err := c.Append([]byte("before"), &v)
			if err != nil || !bytes.HasPrefix(b, []byte("before")) {
				t.Fatalf("Append(%#v) = %q, %v", v, b, err)
			}
			b = b[len("before"):]
			if err := decoder.Wellformed(b); err != nil {
				t.Fatalf("Append(%#v) = %x, not CBOR: %v", v, b, err)
			}
			var got T
			if err := c.Decode(b, &got); err != nil {
				t.Fatalf("Decode(%x): %v", b, err)
			}
			clear(b) // shares nothing
			if !reflect.DeepEqual(got, v) {
				t.Errorf("%#v came back as %#v", v, got)
			}
		}
	}
}

func long[E any](e E) []E {
	list := make([]E, 100)
	for i := range list {
		list[i] = e
	}
	return list
}

func TestRoundTrip(t *testing.T) {
	inf := math.Inf(1)
	when := time.Date(2024, 2, 29, 12, 0, 0, 123456789, time.UTC)
	ann := person{"Ann", 41, 60.5, true, []byte{1}, []string{"Bob"}, map[string]int{"go": 1}, when}

	t.Run("bool", roundTrip(true, false))
	t.Run("int", roundTrip(0, 1, -1, 23, 24, -24, -25, 255, 256, 65535, 65536, math.MaxInt, math.MinInt))
	t.Run("int8", roundTrip[int8](0, -1, math.MaxInt8, math.MinInt8))
	t.Run("int16", roundTrip[int16](0, -1, math.MaxInt16, math.MinInt16))
	t.Run("int32", roundTrip[int32](0, -1, math.MaxInt32, math.MinInt32))
	t.Run("int64", roundTrip[int64](0, -1, math.MaxInt64, math.MinInt64))
	t.Run("uint", roundTrip[uint](0, math.MaxUint))
	t.Run("uint8", roundTrip[uint8](0, 23, 24, math.MaxUint8))
	t.Run("uint16", roundTrip[uint16](0, math.MaxUint16))
	t.Run("uint32", roundTrip[uint32](0, math.MaxUint32))
	t.Run("uint64", roundTrip[uint64](0, math.MaxUint64))
	t.Run("float32", roundTrip[float32](0, 1.5, -math.MaxFloat32, math.SmallestNonzeroFloat32, float32(inf)))
	t.Run("float64", roundTrip(0, 1.5, -math.MaxFloat64, math.SmallestNonzeroFloat64, inf, -inf))
	t.Run("string", roundTrip("", "a", "héllo", "\xff\x00bad\xc3", string(long(byte('x')))))
	t.Run("bytes", roundTrip(nil, []byte{}, []byte("abc"), long(byte(1))))
	t.Run("view", roundTrip(nil, View{}, View("abc")))
	t.Run("unit", roundTrip(struct{}{}))

	t.Run("bools", roundTrip(nil, []bool{}, []bool{true, false}))
	t.Run("strings", roundTrip(nil, []string{}, []string{"", "a", "\xff"}))
	t.Run("ints", roundTrip(nil, []int{}, []int{1, math.MinInt}, long(math.MinInt)))
	t.Run("int8s", roundTrip(nil, []int8{}, []int8{1, math.MinInt8}, long[int8](math.MinInt8)))
	t.Run("int16s", roundTrip(nil, []int16{}, []int16{1, math.MinInt16}, long[int16](math.MinInt16)))
	t.Run("int32s", roundTrip(nil, []int32{}, []int32{1, math.MinInt32}, long[int32](math.MinInt32)))
	t.Run("int64s", roundTrip(nil, []int64{}, []int64{1, math.MinInt64}, long[int64](math.MinInt64)))
	t.Run("uints", roundTrip(nil, []uint{}, []uint{1, math.MaxUint}, long[uint](math.MaxUint)))
	t.Run("uint16s", roundTrip(nil, []uint16{}, []uint16{1, math.MaxUint16}, long[uint16](math.MaxUint16)))
	t.Run("uint32s", roundTrip(nil, []uint32{}, []uint32{1, math.MaxUint32}, long[uint32](math.MaxUint32)))
	t.Run("uint64s", roundTrip(nil, []uint64{}, []uint64{1, math.MaxUint64}, long[uint64](math.MaxUint64)))
	t.Run("float32s", roundTrip(nil, []float32{}, []float32{1.5, math.MaxFloat32}, long[float32](0.1)))
	t.Run("float64s", roundTrip(nil, []float64{}, []float64{1.5, -inf}, long(0.1)))

	t.Run("named", func(t *testing.T) {
		t.Run("int8", roundTrip[number8](-128, 127))
		t.Run("string", roundTrip[name]("", "a"))
		t.Run("bytes", roundTrip(nil, blob{}, blob("abc")))
		t.Run("strings", roundTrip(nil, names{}, names{"a", "b"}))
		t.Run("floats", roundTrip(nil, degrees{1, 2}, degrees(long[degree](36.6))))
		t.Run("unit", roundTrip(empty{}))
		t.Run("duration", roundTrip(time.Second, -time.Hour))
	})
	t.Run("library", func(t *testing.T) {
		t.Run("struct", roundTrip(person{}, ann))
		t.Run("nested", roundTrip(nested{ann}))
		t.Run("pointer", roundTrip(nil, &ann))
		t.Run("map", roundTrip(nil, map[string]int{}, map[string]int{"a": 1}))
		t.Run("int keys", roundTrip(map[int]string{-1: "a"}))
		t.Run("array", roundTrip([4]byte{1, 2, 3, 4}))
		t.Run("structs", roundTrip(nil, []person{}, []person{ann, {}}))
		t.Run("matrix", roundTrip([][]float64{{1, 2}, nil, {}}))
		t.Run("time", roundTrip(time.Time{}, when))
		t.Run("big", roundTrip(big.NewInt(1), new(big.Int).Lsh(big.NewInt(1), 100)))
		t.Run("bigfloat", roundTrip(*big.NewFloat(1.5).SetPrec(64)))
		t.Run("netip", roundTrip(netip.MustParseAddr("::1"), netip.Addr{}))
		t.Run("text", roundTrip[upper]("A"))
		t.Run("texts", roundTrip(inverted{"A", "B"}))
		t.Run("any", roundTrip[any](nil, int64(1), int64(-1), "a", 1.5, true, []byte("b"), when,
			[]any{int64(1), nil}, map[string]any{"a": map[string]any{}}, new(big.Int).SetUint64(math.MaxUint64)))
		t.Run("raw inside", roundTrip(dressed{Raw{0x01}}))
		t.Run("args inside", roundTrip(pair{Args2[int, string]{1, "a"}}, pair{}))
		t.Run("args embedded", roundTrip(embeds{Args2[int, int]{1, 2}}))
	})
}

func TestFloatsKeepTheirBits(t *testing.T) {
	odd := math.Float64frombits(0x7ff8_0000_dead_beef)
	for _, v := range []any{odd, []float64{odd}, long(odd), math.Copysign(0, -1)} {
		switch v := v.(type) {
		case float64:
			sameBits(t, v, pass(t, v))
		case []float64:
			sameBits(t, v[0], pass(t, v)[0])
		}
	}
	sameBits(t, odd, pass(t, struct{ F float64 }{odd}).F)
}

func sameBits(t *testing.T, want, got float64) {
	t.Helper()
	if math.Float64bits(want) != math.Float64bits(got) {
		t.Errorf("%x came back as %x", math.Float64bits(want), math.Float64bits(got))
	}
}

// pass sends v through its codec.
func pass[T any](t *testing.T, v T) (got T) {
	t.Helper()
	if err := For[T]().Decode(encode(t, v), &got); err != nil {
		t.Fatal(err)
	}
	return got
}

func encode[T any](t *testing.T, v T) []byte {
	t.Helper()
	b, err := For[T]().Append(nil, &v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// What was in the value before does not show through.
func TestDecodeReplaces(t *testing.T) {
	m := map[string]int{"old": 1}
	if err := For[map[string]int]().Decode(encode(t, map[string]int{"new": 2}), &m); err != nil || len(m) != 1 {
		t.Errorf("decoded into %v, %v", m, err)
	}
}

func TestView(t *testing.T) {
	src := encode(t, View("abc"))
	var v View
	if err := For[View]().DecodeRef(src, &v); err != nil || &v[0] != &src[1] {
		t.Errorf("DecodeRef copied %q, %v", v, err)
	}
	if _ = append(v, 'x'); cap(v) != len(v) {
		t.Error("a view can be appended to in place")
	}
	var b []byte
	if err := For[[]byte]().DecodeRef(src, &b); err != nil || &b[0] == &src[1] {
		t.Errorf("DecodeRef did not copy a []byte %q, %v", b, err)
	}
	var args Args2[int, View]
	src = encode(t, Args2[int, View]{1, View("abc")})
	if err := For[Args2[int, View]]().DecodeRef(src, &args); err != nil || &args.B[0] != &src[3] {
		t.Errorf("DecodeRef copied an argument: %q, %v", args.B, err)
	}
}

func TestRaw(t *testing.T) {
	raw := Raw{0x83, 1, 2, 3}
	if b := encode(t, raw); !bytes.Equal(b, raw) {
		t.Errorf("encoded as %x", b)
	}
	if got := pass(t, raw); !bytes.Equal(got, raw) {
		t.Errorf("came back as %x", got)
	}
	if b := encode(t, Raw(nil)); !bytes.Equal(b, []byte{item.Null}) {
		t.Errorf("an empty one is encoded as %x", b)
	}
}

func TestFastPathsDoNotAllocate(t *testing.T) {
	dst, view := make([]byte, 0, 64), View("abc")
	n := testing.AllocsPerRun(100, func() {
		i, f, v := 300, 1.5, Args2[int, View]{1, view}
		dst, _ = ints.Append(dst[:0], &i)
		_ = ints.Decode(dst, &i)
		dst, _ = floats.Append(dst[:0], &f)
		_ = floats.Decode(dst, &f)
		dst, _ = views.Append(dst[:0], &v)
		_ = views.DecodeRef(dst, &v)
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

var (
	ints   = For[int]()
	floats = For[float64]()
	views  = For[Args2[int, View]]()
)

// What AppendRef returns is, put together, what Append appends; and a large string's content is where it was.
func TestAppendRef(t *testing.T) {
	for _, size := range []int{0, 100, largeString - item.MostHead - 1, largeString - item.MostHead, 1 << 20} {
		b := bytes.Repeat([]byte{0x61}, size)
		appendsRef(t, b)
		appendsRef(t, View(b))
		appendsRef(t, string(b))
		appendsRef(t, append(item.AppendHead(nil, item.Bytes, uint64(size)), b...))
		appendsRef(t, Raw(append(item.AppendHead(nil, item.Bytes, uint64(size)), b...)))
		appendsRef(t, []string{string(b)})
		appendsRef(t, struct{ B []byte }{b})
	}
}

func appendsRef[T any](t *testing.T, v T) {
	t.Helper()
	c := For[T]()
	want, err := c.Append([]byte("before"), &v)
	out, rest, errRef := c.AppendRef([]byte("before"), &v)
	if err != nil || errRef != nil || !bytes.Equal(slices.Concat(out, rest), want) {
		t.Errorf("%T of %d bytes: %d and %d bytes, %v, %v", v, len(want), len(out), len(rest), err, errRef)
	}
	if large := c.Size(&v) >= largeString; large != (len(rest) > 0) || large && len(out) > len("before")+item.MostHead {
		t.Errorf("%T of %d bytes: %d are copied, %d are not", v, len(want), len(out), len(rest))
	}
}
