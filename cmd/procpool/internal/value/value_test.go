package value

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/procpool/procpool/internal/codec"
)

func TestJSONComesBack(t *testing.T) {
	for _, text := range []string{
		`null`, `true`, `-1`, `1.5`, `9223372036854775808`, `1e300`, `"<a> & b"`, `[]`, `{}`,
		`{"a":[1,2,{"b":null}],"c":"d"}`, `123456789012345678901234567890`,
	} {
		raw, err := FromJSON(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		got, err := AppendJSON(nil, raw)
		if want := strings.Replace(text, "1e300", "1e+300", 1); string(got) != want || err != nil {
			t.Errorf("%s came back as %s, %v", text, got, err)
		}
	}
}

func TestInvalidJSON(t *testing.T) {
	for text, want := range map[string]string{
		`{"a":`: "unexpected end", `1 2`: "more than one value", `nope`: "invalid character", `1e999`: "too large", `[1]]`: "more than one value",
	} {
		if _, err := FromJSON(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q in it", text, err, want)
		}
	}
}

func TestText(t *testing.T) {
	encode := func(v any) codec.Raw {
		b, err := codec.For[any]().Append(nil, &v)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for _, c := range []struct {
		v    any
		want string
	}{
		{"as it is \" \xff", "as it is \" \xff"},
		{7, "7"},
		{nil, "null"},
		{[]string{"a"}, `["a"]`},
		{map[int]string{1: "one"}, `{"1":"one"}`},
		{[]byte("bytes"), `"Ynl0ZXM="`},
		{map[bool]any{true: nil}, `{"true":null}`},
		{map[float64]int{0.5: 1}, `{"0.5":1}`},
		{1e8, "100000000"},
		{1e-7, "1e-07"},
		{[]int64{1, -2}, "[1,-2]"},
		{time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), `"2026-01-02T03:04:05Z"`},
	} {
		if got, err := AppendText(nil, encode(c.v)); string(got) != c.want || err != nil {
			t.Errorf("%v became %s, %v; want %s", c.v, got, err, c.want)
		}
	}
	long := make([]float64, 100) // is sent as a byte string, with a tag
	for i := range long {
		long[i] = float64(i) / 2
	}
	want, _ := json.Marshal(long)
	if got, err := AppendText(nil, encode(long)); string(got) != string(want) || err != nil {
		t.Errorf("100 numbers became %s, %v", got, err)
	}
	// [_ 1, "a", {_ "b": null}, (_ "c", "d")]: lengths are indefinite, as other languages may have them.
	foreign := codec.Raw("\x9f\x01\x61a\xbf\x61b\xf6\xff\x7f\x61c\x61d\xff\xff")
	if got, err := AppendText(nil, foreign); string(got) != `[1,"a",{"b":null},"cd"]` || err != nil {
		t.Errorf("a list of indefinite length became %s, %v", got, err)
	}
	for _, broken := range []string{"", "\x82\x01", "\xff", "\x01\x01", "\x5f", "\xd8\x4f\x43abc"} {
		if got, err := AppendText([]byte("kept"), codec.Raw(broken)); err == nil || string(got) != "kept" {
			t.Errorf("%q became %s", broken, got)
		}
	}
	if got, err := AppendText([]byte("kept"), encode(math.NaN())); err == nil || string(got) != "kept" {
		t.Errorf("NaN became %s, %v; want an error", got, err)
	}
}
