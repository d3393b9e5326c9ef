package codec

import (
	"math"
	"reflect"
	"testing"

	"pgregory.net/rapid"
)

// agrees returns the check that the library reads what the fast paths write, and the other way round.
func agrees[T any](gen *rapid.Generator[T]) func(*testing.T) {
	return rapid.MakeCheck(func(t *rapid.T) {
		v := gen.Draw(t, "v")
		c := For[T]()
		ours, err := c.Append(nil, &v)
		if err != nil {
			t.Fatal(err)
		}
		theirs, err := encoder.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		var a, b T
		if err := decoder.Unmarshal(ours, &a); err != nil {
			t.Fatalf("the library cannot read %x: %v", ours, err)
		}
		if err := c.Decode(theirs, &b); err != nil {
			t.Fatalf("cannot read the library's %x: %v", theirs, err)
		}
		if !reflect.DeepEqual(a, v) || !reflect.DeepEqual(b, v) {
			t.Fatalf("%#v: the library reads %#v, we read %#v", v, a, b)
		}
	})
}

// few makes slices that stay plain arrays, which is all that the library knows.
func few[E any](gen *rapid.Generator[E]) *rapid.Generator[[]E] {
	return rapid.SliceOfN(gen, 0, typedMin-1)
}

func real64() *rapid.Generator[float64] {
	return rapid.Float64().Filter(func(f float64) bool { return !math.IsNaN(f) })
}

func TestAgreesWithLibrary(t *testing.T) {
	anyString := rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) })
	t.Run("bool", agrees(rapid.Bool()))
	t.Run("int", agrees(rapid.Int()))
	t.Run("int8", agrees(rapid.Int8()))
	t.Run("int16", agrees(rapid.Int16()))
	t.Run("int32", agrees(rapid.Int32()))
	t.Run("int64", agrees(rapid.Int64()))
	t.Run("uint", agrees(rapid.Uint()))
	t.Run("uint8", agrees(rapid.Uint8()))
	t.Run("uint16", agrees(rapid.Uint16()))
	t.Run("uint32", agrees(rapid.Uint32()))
	t.Run("uint64", agrees(rapid.Uint64()))
	t.Run("float32", agrees(rapid.Float32()))
	t.Run("float64", agrees(real64()))
	t.Run("string", agrees(anyString))
	t.Run("bytes", agrees(rapid.SliceOf(rapid.Byte())))
	t.Run("bools", agrees(few(rapid.Bool())))
	t.Run("strings", agrees(few(anyString)))
	t.Run("ints", agrees(few(rapid.Int())))
	t.Run("int8s", agrees(few(rapid.Int8())))
	t.Run("uint64s", agrees(few(rapid.Uint64())))
	t.Run("float32s", agrees(few(rapid.Float32())))
	t.Run("float64s", agrees(few(real64())))
}

// A typed array is CBOR: the library sees a tag and a byte string.
func TestTypedArrays(t *testing.T) {
	for _, c := range []struct {
		got  []byte
		want byte
	}{
		{encode(t, long[int8](1)), 72},
		{encode(t, long[int16](1)), 77},
		{encode(t, long[int32](1)), 78},
		{encode(t, long[int64](1)), 79},
		{encode(t, long[uint16](1)), 69},
		{encode(t, long[uint32](1)), 70},
		{encode(t, long[uint64](1)), 71},
		{encode(t, long[float32](1)), 85},
		{encode(t, long[float64](1)), 86},
	} {
		want := c.want
		if !littleEndian && want != 72 {
			want -= typedLittle
		}
		if err := decoder.Wellformed(c.got); err != nil || c.got[0] != 0xd8 || c.got[1] != want {
			t.Errorf("%x: want tag %d, %v", c.got[:8], want, err)
		}
	}
	t.Run("round trip", rapid.MakeCheck(func(t *rapid.T) {
		v := rapid.SliceOfN(rapid.Int32(), 0, 4*typedMin).Draw(t, "v")
		b, err := For[[]int32]().Append(nil, &v)
		if err != nil {
			t.Fatal(err)
		}
		var narrow []int32
		var wide []int
		if err := For[[]int32]().Decode(b, &narrow); err != nil || !reflect.DeepEqual(narrow, v) {
			t.Fatalf("%v came back as %v, %v", v, narrow, err)
		}
		if err := For[[]int]().Decode(b, &wide); err != nil || len(wide) != len(v) {
			t.Fatal(wide, err)
		}
		for i := range v {
			if wide[i] != int(v[i]) {
				t.Fatalf("%v came back as %v", v, wide)
			}
		}
	}))
}
