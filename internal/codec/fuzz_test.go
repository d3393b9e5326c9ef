package codec

import (
	"bytes"
	"runtime"
	"testing"
)

// A target decodes into one type, and encodes and decodes again what came out.
type target struct {
	name string
	run  func(t *testing.T, src []byte)
}

func into[T any](name string) target {
	c := For[T]()
	return target{name, func(t *testing.T, src []byte) {
		given := bytes.Clone(src)
		var v, again T
		if c.DecodeRef(src, &v) != nil || c.Decode(src, &v) != nil {
			return
		}
		if !bytes.Equal(src, given) {
			t.Fatalf("decoding into %s changed %x", name, given)
		}
		b, err := c.Append(nil, &v)
		if err != nil {
			t.Fatalf("%x decoded into %#v, which cannot be encoded: %v", src, v, err)
		}
		if err := c.Decode(b, &again); err != nil {
			t.Fatalf("%x decoded into %#v, but its encoding %x not: %v", src, v, b, err)
		}
	}}
}

var targets = []target{
	into[bool]("bool"), into[int]("int"), into[int8]("int8"), into[uint64]("uint64"), into[float32]("float32"), into[float64]("float64"),
	into[string]("string"), into[[]byte]("[]byte"), into[View]("View"), into[struct{}]("struct{}"),
	into[[]bool]("[]bool"), into[[]string]("[]string"), into[[]int]("[]int"), into[[]int8]("[]int8"), into[[]uint16]("[]uint16"),
	into[[]float32]("[]float32"), into[[]float64]("[]float64"),
	into[person]("person"), into[[]person]("[]person"), into[flat]("flat"),
	into[map[string]string]("map"), into[node]("node"), into[*node]("*node"),
	into[Args2[int, string]]("Args2"), into[Args3[any, []float64, Raw]]("Args3"), into[Args2[flat, any]]("Args2 of a struct"),
}

var seeds = [][]byte{
	nil,
	{0},
	{0x20},
	{0x1b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
	{0x3b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
	{0x61, 'a'},
	{0x41, 1},
	{0x82, 1, 2},
	{0x9f, 1, 0xff},
	{0xa1, 0x61, 'a', 0x61, 'b'},
	{0xf4},
	{0xf6},
	{0xf7},
	{0xf9, 0x7e, 0},
	{0xfa, 0x7f, 0x80, 0, 0},
	{0xfb, 0, 0, 0, 0, 0, 0, 0, 1},
	{0xd8, 86, 0x48, 0, 0, 0, 0, 0, 0, 0, 1},
	{0xd8, 77, 0x42, 0, 1},
	{0xd9, 0xd9, 0xf7, 0x80},
	{0xc2, 0x41, 1},
	{0x82, 1, 0x61, 'a'},
	{0x83, 0xf6, 0xf6, 0xf6},
	{0x9a, 0xff, 0xff, 0xff, 0xff},
	{0x9b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
	{0xba, 0xff, 0xff, 0xff, 0xff},
	{0x5a, 0xff, 0xff, 0xff, 0xff},
	{0x7b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
	{0xd8, 86, 0x5a, 0xff, 0xff, 0xff, 0xff},
	{0x82, 0x9a, 0xff, 0xff, 0xff, 0xff, 0x9a, 0xff, 0xff, 0xff, 0xff},
	{0xa1, 0x67, 'F', 'r', 'i', 'e', 'n', 'd', 's', 0x9a, 0xff, 0xff, 0xff, 0xff},
}

func FuzzDecode(f *testing.F) {
	for i := range targets {
		for _, s := range seeds {
			f.Add(uint(i), s)
		}
	}
	f.Fuzz(func(t *testing.T, i uint, src []byte) { targets[i%uint(len(targets))].run(t, src) })
}

// A few bytes that claim billions of elements do not get the memory for them.
func TestClaimsDoNotAllocate(t *testing.T) {
	var before, after runtime.MemStats
	for _, to := range targets {
		runtime.ReadMemStats(&before)
		for _, s := range seeds {
			to.run(t, s)
		}
		runtime.ReadMemStats(&after)
		if got := after.TotalAlloc - before.TotalAlloc; got > 4<<20 {
			t.Errorf("decoding into %s took %d bytes", to.name, got)
		}
	}
}
