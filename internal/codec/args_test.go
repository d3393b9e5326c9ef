package codec

import (
	"bytes"
	"strings"
	"testing"
)

func TestArgs(t *testing.T) {
	t.Run("fast", roundTrip(Args2[int, string]{1, "a"}, Args2[int, string]{}))
	t.Run("slow", roundTrip(Args2[person, int]{person{Name: "Ann"}, 1}))
	t.Run("mixed", roundTrip(Args3[bool, map[string]int, []float64]{true, map[string]int{"a": 1}, long(0.5)}))
	t.Run("nested", roundTrip(Args2[Args2[int8, any], []string]{Args2[int8, any]{1, "a"}, nil}))
	t.Run("raw", roundTrip(Args3[Raw, int, Raw]{Raw{0x82, 1, 2}, 1, Raw{0x61, 'a'}}))
	t.Run("padded", roundTrip(Args3[int8, int64, bool]{1, 2, true}))
}

func TestArgsAreAnArray(t *testing.T) {
	if b := encode(t, Args3[int, string, bool]{1, "a", true}); !bytes.Equal(b, []byte{0x83, 1, 0x61, 'a', 0xf5}) {
		t.Errorf("encoded as %x", b)
	}
}

func TestSpread(t *testing.T) {
	type mine Args2[int, int]
	for _, c := range []struct {
		of   string
		got  bool
		want bool
	}{
		{"Args2", For[Args2[int, int]]().Spread(), true},
		{"Args3", For[Args3[int, int, any]]().Spread(), true},
		{"a struct that embeds Args2", For[embeds]().Spread(), false},
		{"a type made from Args2", For[mine]().Spread(), false},
		{"a pointer to Args2", For[*Args2[int, int]]().Spread(), false},
		{"int", For[int]().Spread(), false},
	} {
		if c.got != c.want {
			t.Errorf("Spread of %s = %v", c.of, c.got)
		}
	}
}

func TestArgsAreStrict(t *testing.T) {
	for _, c := range []struct {
		src  []byte
		want string
	}{
		{[]byte{0x81, 1}, "cannot decode 1 arguments into codec.Args2[int,int8]"},
		{[]byte{0x83, 1, 2, 3}, "cannot decode 3 arguments into codec.Args2[int,int8]"},
		{[]byte{0xa0}, "cannot decode map into codec.Args2[int,int8]: want an array of 2"},
		{nil, "cannot decode a value that ends early"},
		{[]byte{0x82, 1, 0x61, 'a'}, "argument 2: cannot decode text string into int8"},
		{[]byte{0x82, 1}, "argument 2: cannot decode int8: EOF"},
		{[]byte{0x82, 1, 2, 3}, "1 bytes follow the value"},
	} {
		var v Args2[int, int8]
		if err := For[Args2[int, int8]]().Decode(c.src, &v); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("Decode(%x): %v, want %s", c.src, err, c.want)
		}
	}
	type holder struct{ C chan int }
	dst := []byte("x")
	out, err := For[Args2[int, holder]]().Append(dst, new(Args2[int, holder]))
	if err == nil || !strings.HasPrefix(err.Error(), "argument 2: cannot encode codec.holder") || len(out) != len(dst) {
		t.Errorf("Append = %q, %v", out, err)
	}
}
