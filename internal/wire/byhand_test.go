package wire

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
)

// A hello that is written by hand is what the library makes of it.
func TestHelloByHand(t *testing.T) {
	many := strings.Split(strings.Repeat("a task,", 300), ",")
	for _, m := range []MessageHello{
		{},
		{Version: 1, Language: "go", Tasks: []string{}},
		{Version: 1, Language: "go", Tasks: []string{"a", "ü", "\xff"}, Initializers: []string{"i"}, Codecs: []string{"cbor"}, Window: 1 << 16, Fenced: true, Dumps: true},
		{Version: 1 << 40, Tasks: many, Initializers: many, Fingerprint: strings.Repeat("f", 70_000), Codecs: many, Window: 23, Fenced: true},
	} {
		got, want := m.byHand(), must(encMode.Marshal(m))
		if !bytes.Equal(got, want) {
			t.Errorf("%.100v: %x, want %x", m, got, want)
		}
	}
	odd := MessageHello{Version: -1}
	if got, want := Marshal(&odd), must(encMode.Marshal(odd)); !bytes.Equal(got, want) || odd.byHand() != nil {
		t.Errorf("a negative version: %x, want %x", got, want)
	}
}

// FuzzSetup compares what is read by hand with what the library reads: whatever is taken is the same.
func FuzzSetup(f *testing.F) {
	for _, m := range []MessageSetup{
		{},
		{Version: 1, Name: "w", Fingerprint: "f", Limit: 1 << 33},
		{Version: 1, Name: "w", Initializer: "i", Arg: []byte{0x82, 1, 0x61, 'x'}},
	} {
		body := must(encMode.Marshal(m))
		var got MessageSetup
		if !got.byHand(body) {
			f.Errorf("%+v is not read by hand", m)
		}
		f.Add(body)
		f.Add(append(body, 0))
	}
	for _, odd := range []string{
		"", "\xa1", "\xbf\xff", "\xa1\x63arg", "\xa1\x63arg\x81", "\xa1\x63arg\x01\x01", "\xa2\x63arg\x01\x64name\x61x",
		"\xa2\x64name\x61x\x64name\x61y", "\xa1\x64name\x41x", "\xa1\x64name\xf6", "\xa1\x65other\x01", "\xa1\x65limit\x20",
		"\xa1\x65limit\x1b\xff\xff\xff\xff\xff\xff\xff\xff", "\xa1\x64name\x7b\xff\xff\xff\xff\xff\xff\xff\xff", "\xa1\x65limit\x18\x01",
	} {
		f.Add([]byte(odd))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var got, want MessageSetup
		if !got.byHand(body) {
			if !reflect.DeepEqual(got, want) {
				t.Fatalf("%x was not read, and left %+v", body, got)
			}
			return
		}
		if err := decMode.Unmarshal(body, &want); err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("%x: %+v, the library reads %+v, %v", body, got, want, err)
		}
	})
}
