package codec

import (
	"encoding/json"
	"math"
	"math/big"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

type parcel struct {
	Name string         `json:"name"`
	Data []byte         `json:"data"`
	When time.Time      `json:"when"`
	Long []int64        `json:"long"`
	Half []float32      `json:"half"`
	Any  map[string]any `json:"any"`
	Big  *big.Int       `json:"big"`
	None *int           `json:"none"`
}

// What goes to a worker that speaks JSON, and comes back as it is, is what it was.
func TestJSONRoundTrip(t *testing.T) {
	huge, _ := new(big.Int).SetString("-123456789012345678901234567890", 10)
	in := parcel{
		Name: "a \"quoted\"\n\x01 é 🎈 <b>", Data: []byte{0, 255, 7}, When: time.Date(2026, 3, 4, 5, 6, 7, 891, time.UTC),
		Long: long(int64(-5)), Half: long(float32(0.1)),
		Any: map[string]any{"n": int64(1) << 62, "f": 0.5, "t": "dGV4dA==", "l": []any{nil, true, false, "", map[string]any{}}}, Big: huge,
	}
	text, err := AppendJSON(nil, encode(t, in))
	if err != nil {
		t.Fatal(err)
	}
	var plain map[string]any
	if err := json.Unmarshal(text, &plain); err != nil || plain["data"] != "AP8H" || plain["when"] != "2026-03-04T05:06:07.000000891Z" {
		t.Errorf("%s: %v", text, err)
	}
	var out parcel
	if err := For[parcel]().Decode(FromJSON(text), &out); err != nil {
		t.Fatal(err)
	}
	if in.Big.Cmp(out.Big) != 0 {
		t.Errorf("%v came back as %v", in.Big, out.Big)
	}
	in.Big, out.Big = nil, nil
	if !reflect.DeepEqual(in, out) {
		t.Errorf("sent %+v\n got %+v", in, out)
	}
}

func TestJSONIs(t *testing.T) {
	for _, tt := range []struct {
		in   any
		want string
	}{
		{nil, "null"},
		{true, "true"},
		{-1, "-1"},
		{uint64(math.MaxUint64), "18446744073709551615"},
		{int64(math.MinInt64), "-9223372036854775808"},
		{0.5, "0.5"},
		{float32(0.1), "0.1"},
		{1e300, "1e+300"},
		{1234567890.5, "1234567890.5"},
		{1e20, "100000000000000000000"},
		{1e21, "1e+21"},
		{-1e-6, "-0.000001"},
		{1e-7, "1e-07"},
		{"\xff", "\"\ufffd\""},
		{[]byte("ab"), `"YWI="`},
		{[]int{}, "[]"},
		{map[int]bool{-1: true}, `{"-1":true}`},
		{map[bool]int{true: 1}, `{"true":1}`},
		{map[string]any{"b": 1, "a": map[int]string{3: "z", 1: "x", 2: "y"}, "c": "", "": nil}, `{"":null,"a":{"1":"x","2":"y","3":"z"},"b":1,"c":""}`},
		{long(uint16(3)), "[" + strings.Repeat("3,", len(long(3))-1) + "3]"},
		{new(big.Int).Lsh(big.NewInt(1), 64), "18446744073709551616"},
	} {
		var v any = tt.in
		src, err := For[any]().Append(nil, &v)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := AppendJSON(nil, src); string(got) != tt.want || err != nil {
			t.Errorf("%v: %s, %v; want %s", tt.in, got, err, tt.want)
		}
	}
	for want, v := range map[string]any{"JSON has no number NaN": math.NaN(), "the key of a map is of type array": map[[1]int]int{{1}: 1}} {
		src, _ := For[any]().Append(nil, &v)
		if got, err := AppendJSON([]byte("x"), src); err == nil || !strings.Contains(err.Error(), want) || string(got) != "x" {
			t.Errorf("%v: %q, %v", v, got, err)
		}
	}
}

func TestJSONInto(t *testing.T) {
	of := func(s string) []byte { return FromJSON([]byte(s)) }
	t.Run("int", decodes(of(" 7 "), 7))
	t.Run("int into float", decodes(of("7"), 7.0))
	t.Run("text", decodes(of(`"a\u00e9\ud83c\udf88\n\/"`), "aé🎈\n/"))
	t.Run("bytes", decodes(of(`"AP8="`), []byte{0, 255}))
	t.Run("view", decodes(of(`"AP8="`), View{0, 255}))
	t.Run("text of a type's own", decodes(of(`"10.0.0.1"`), netip.MustParseAddr("10.0.0.1")))
	t.Run("unit", decodes(of(`null`), struct{}{}))
	t.Run("arguments", decodes(of(`{"A": 1, "B": "b"}`), Args2[int, string]{1, "b"}))
	t.Run("any", decodes(of(`[1, 1.5, "YQ==", {"a": null}]`), any([]any{int64(1), 1.5, "YQ==", map[string]any{"a": nil}})))
	t.Run("raw", decodes(of(`{"a":[1]}`), Raw("\xbb\x00\x00\x00\x00\x00\x00\x00\x01\x61a\x9b\x00\x00\x00\x00\x00\x00\x00\x01\x01")))

	t.Run("field", fails[person](of(`{"Age": "x"}`), "cannot unmarshal text into Go struct field codec.person.Age of type int"))
	t.Run("text into int", fails[int](of(`"x"`), "cannot unmarshal text into Go value of type int"))
	t.Run("no base64", fails[[]byte](of(`"a?"`), "base64"))
	for _, s := range []string{"", " ", "nul", "[1", "[1,", "[1,]", "[,1]", `{"a"}`, `{"a":}`, `{1:2}`, `"a`, `"\`, `"\x"`, `"\u12"`, "1 2", "1e999", "-", "[1}", "\x00"} {
		t.Run(s, fails[any](of(s), "cannot decode JSON"))
	}
	t.Run("deep", fails[any](of(strings.Repeat("[", 2000)), "nested deeper"))
	t.Run("cut", fails[int](of("7")[:4], "cannot decode JSON"))
}

// Whatever encoding/json writes is read as it reads it, and nothing panics.
func TestJSONAsTheLibrary(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.Custom(func(t *rapid.T) any {
			return rapid.OneOf(
				rapid.String().AsAny(), rapid.Float64Range(-1e9, 1e9).AsAny(), rapid.Bool().AsAny(),
				rapid.MapOf(rapid.String(), rapid.SliceOf(rapid.String())).AsAny(),
			).Draw(t, "value")
		}).Draw(t, "v")
		text, err := json.MarshalIndent(value, "", " ")
		if err != nil {
			t.Fatal(err)
		}
		var got, want any
		if err := For[any]().Decode(FromJSON(text), &got); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		json.Unmarshal(text, &want)
		again, _ := json.Marshal(got)
		first, _ := json.Marshal(want)
		if string(again) != string(first) {
			t.Fatalf("%s read as %s", first, again)
		}
	})
}

func FuzzJSON(f *testing.F) {
	f.Add([]byte(`{"a": [1, -2.5e3, "\u00e9", null]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var v any
		err := For[any]().Decode(FromJSON(text), &v)
		if json.Valid(text) && err != nil && !strings.Contains(err.Error(), "no number") && !strings.Contains(err.Error(), "deeper") {
			t.Errorf("%q: %v", text, err)
		}
		AppendJSON(nil, text)
	})
}
