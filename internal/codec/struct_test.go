package codec

import (
	"bytes"
	"math"
	"reflect"
	"testing"

	"github.com/fxamacker/cbor/v2"
)

type (
	flat struct {
		ID     int
		Name   string
		Active bool
		Score  float64
		Tags   []string
		Count  uint32
		Level  int8
		//lint:ignore U1000 it is to be left out
		hidden int
		Ratio  float32
		Photo  []byte
		Flags  []bool
		Cached View
		Within inner
	}
	inner struct {
		Title name `json:"title"`
		Port  uint16
		Skip  string `json:"-"`
		Big_2 uint64 `cbor:"big" json:"other"`
	}
	shuffled struct { // flat as another program has it
		Within inner
		Name   string
		ID     int
		More   []string
	}
)

// These have something that only the library knows.
type (
	optional struct {
		A int `json:"a,omitempty"`
	}
	asArray struct {
		_ struct{} `cbor:",toarray"`
		A int
	}
	renamed struct {
		A int `json:"B"`
		B int
	}
	embedding struct{ inner }
	spaced    struct {
		A int `json:" a"`
	}
	blankTag struct {
		A int `cbor:"" json:"x"`
	}
	numbers  struct{ N []int }
	untyped  struct{ A any }
	pointing struct{ P *int }
	custom   struct{ U upper }
	unit     struct{ E struct{} }
	rawField struct{ R Raw }
	//lint:ignore U1000 it is to be left out
	secret struct{ a int }
)

func flats() []flat {
	full := flat{
		ID: -70000, Name: "Ann \xff", Active: true, Score: math.Copysign(0, -1), Tags: []string{"a", ""}, Count: math.MaxUint32,
		Level: -128, Ratio: 1.5, Photo: []byte{1, 2}, Flags: []bool{true, false}, Cached: View("view"),
		Within: inner{Title: "title", Port: 443, Big_2: math.MaxUint64},
	}
	empty := flat{Tags: []string{}, Photo: []byte{}, Flags: []bool{}, Cached: View{}, Score: math.Inf(-1)}
	return []flat{{}, full, empty}
}

// A struct becomes the bytes that the library makes of it, whether it takes the short way or not.
func sameAsLibrary[T any](t *testing.T, fast bool, values ...T) {
	t.Helper()
	c := For[T]()
	if c.shape.fast != fast {
		t.Errorf("%T: fast is %v", values[0], c.shape.fast)
	}
	for _, v := range values {
		got, err := c.Append(nil, &v)
		var want bytes.Buffer
		if e := encoder.MarshalToBuffer(v, &want); err != nil || e != nil || !bytes.Equal(got, want.Bytes()) {
			t.Errorf("%#v: got %x, %v, the library makes %x, %v", v, got, err, want.Bytes(), e)
		}
		judgeAlike[T](t, got)
	}
}

// judgeAlike checks that src is decoded as the library does it.
func judgeAlike[T any](t *testing.T, src []byte) {
	t.Helper()
	var got, want T
	err := For[T]().Decode(src, &got)
	rest, wantErr := unmarshal(src, &want)
	if failed := wantErr != nil || len(rest) > 0; (err != nil) != failed {
		t.Fatalf("%x: %v, the library says %v, %d bytes left", src, err, wantErr, len(rest))
	}
	if err != nil {
		return
	}
	var a, b bytes.Buffer // tells NaNs apart, and nil from empty
	if encoder.MarshalToBuffer(got, &a) != nil || encoder.MarshalToBuffer(want, &b) != nil || !bytes.Equal(a.Bytes(), b.Bytes()) {
		t.Fatalf("%x: got %#v, the library %#v", src, got, want)
	}
}

func TestStructAsLibrary(t *testing.T) {
	sameAsLibrary(t, true, flats()...)
	sameAsLibrary(t, true, inner{}, inner{"a", 1, "never sent", 2})
	sameAsLibrary(t, true, struct{ A, B int }{1, 2}, struct{ A, B int }{})
	sameAsLibrary(t, false, optional{}, optional{1})
	sameAsLibrary(t, false, asArray{A: 1})
	sameAsLibrary(t, false, renamed{1, 2})
	sameAsLibrary(t, false, embedding{inner{"a", 1, "", 2}})
	sameAsLibrary(t, false, spaced{1})
	sameAsLibrary(t, false, blankTag{1})
	sameAsLibrary(t, false, numbers{long(1)})
	sameAsLibrary(t, false, untyped{"x"})
	sameAsLibrary(t, false, pointing{new(int)})
	sameAsLibrary(t, false, custom{"A"})
	sameAsLibrary(t, false, unit{})
	sameAsLibrary(t, false, rawField{Raw{1}})
	sameAsLibrary(t, false, secret{})
}

// What another program wrote, in its order and with its fields, is the library's, and nothing of a half-read struct stays.
func TestStructFromElsewhere(t *testing.T) {
	for _, f := range flats() {
		moved, err := cbor.Marshal(shuffled{f.Within, f.Name, f.ID, []string{"more"}})
		if err != nil {
			t.Fatal(err)
		}
		judgeAlike[flat](t, moved)
		b, err := For[flat]().Append(nil, &f)
		if err != nil {
			t.Fatal(err)
		}
		for i := range b { // every byte another, and cut off anywhere
			judgeAlike[flat](t, b[:i])
			for _, other := range []byte{b[i] + 1, b[i] ^ 0x20, 0xf6, 0xff, 0x9f} {
				mutant := bytes.Clone(b)
				mutant[i] = other
				judgeAlike[flat](t, mutant)
			}
		}
	}
	for _, text := range []string{`{"ID": 7, "Within": {"title": "x"}}`, `{"id": 7}`, `null`} {
		var f flat
		if err := For[flat]().Decode([]byte(text), &f); err == nil {
			t.Errorf("%s is no CBOR, but was decoded", text)
		}
	}
}

// An argument list takes the way that all its arguments can take.
func TestStructArgument(t *testing.T) {
	type list = Args3[flat, View, map[string]int]
	for _, f := range flats() {
		roundTrip(Args2[flat, int]{f, 1})(t)
		roundTrip(list{f, View("view"), map[string]int{"a": 1}})(t)
	}
	half := append([]byte{0x82}, must(cbor.Marshal(map[string]int{"ID": 1}))...)
	var got Args2[flat, int]
	err := For[Args2[flat, int]]().Decode(append(half, 5), &got)
	if want := (Args2[flat, int]{flat{ID: 1}, 5}); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v", got, err)
	}
}

func FuzzStruct(f *testing.F) {
	for _, v := range flats() {
		f.Add(must(cbor.Marshal(v)))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		if !isJSON(src) {
			judgeAlike[flat](t, src)
		}
	})
}
