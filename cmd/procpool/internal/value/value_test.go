package value

import (
	"math"
	"strings"
	"testing"

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
	} {
		if got, err := AppendText(nil, encode(c.v)); string(got) != c.want || err != nil {
			t.Errorf("%v became %s, %v; want %s", c.v, got, err, c.want)
		}
	}
	if got, err := AppendText([]byte("kept"), encode(math.NaN())); err == nil || string(got) != "kept" {
		t.Errorf("NaN became %s, %v; want an error", got, err)
	}
}
