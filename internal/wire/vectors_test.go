package wire

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
)

// vector is one entry of testdata/*.txt: what a frame means, line by line, then its bytes.
type vector struct {
	name   string
	fields map[string]string
	bytes  []byte
}

// readVectors reads entries of the form
//
//	name
//	  field: value
//	  = 00 01 02
//
// with as many fields and lines of bytes as it takes.
func readVectors(t *testing.T, file string) (all []vector) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(bytes.NewReader(text))
	for n := 1; lines.Scan(); n++ {
		line, _, _ := strings.Cut(lines.Text(), "#")
		switch field, value, ok := strings.Cut(strings.TrimSpace(line), ":"); {
		case strings.TrimSpace(line) == "":
		case !strings.HasPrefix(line, " "):
			all = append(all, vector{name: strings.TrimSpace(line), fields: map[string]string{}})
		case strings.HasPrefix(field, "="):
			b, err := hex.DecodeString(strings.ReplaceAll(field[1:], " ", ""))
			if err != nil {
				t.Fatalf("%s:%d: %v", file, n, err)
			}
			v := &all[len(all)-1]
			v.bytes = append(v.bytes, b...)
		case ok:
			all[len(all)-1].fields[field] = strings.TrimSpace(value)
		default:
			t.Fatalf("%s:%d: %q is no field", file, n, line)
		}
	}
	return all
}

func (v vector) number(t *testing.T, field string) int64 {
	n, err := strconv.ParseInt(v.fields[field], 0, 64)
	if v.fields[field] != "" && err != nil {
		t.Fatal(err)
	}
	return n
}

func (v vector) header(t *testing.T) Header {
	return Header{
		Size: len(v.bytes) - HeaderSize, Type: Type(v.number(t, "type")), Flags: uint8(v.number(t, "flags")),
		Task: uint16(v.number(t, "task")), Seq: uint64(v.number(t, "seq")),
	}
}

func TestFrameVectors(t *testing.T) {
	for _, v := range readVectors(t, "frames.txt") {
		t.Run(v.name, func(t *testing.T) {
			want := v.header(t)
			var s Scanner
			s.Feed(v.bytes)
			got, body, _, ok := s.Next()
			if !ok || got != want {
				t.Fatalf("got %+v, want %+v", got, want)
			}
			if again := AppendFrame(nil, got, body); !bytes.Equal(again, v.bytes) {
				t.Errorf("encoded again it is % x", again)
			}
			if diag := v.fields["body"]; diag != "" && diag != diagnose(t, body) {
				t.Errorf("the body is %s, want %s", diagnose(t, body), diag)
			}
		})
	}
}

func diagnose(t *testing.T, body []byte) string {
	s, err := cbor.Diagnose(body)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestCallVectors(t *testing.T) {
	for _, v := range readVectors(t, "calls.txt") {
		t.Run(v.name, func(t *testing.T) {
			h, err := ParseHeader(v.bytes)
			if err != nil || h != v.header(t) {
				t.Fatalf("got %+v, %v, want %+v", h, err, v.header(t))
			}
			want := CallInfo{
				ID: uint64(v.number(t, "id")), Timeout: time.Duration(v.number(t, "timeout")), Deadline: v.number(t, "deadline"),
				Attempt: int(max(1, v.number(t, "attempt"))), Spread: h.Flags&FlagSpread != 0,
			}
			got, payload, err := ParseCall(h.Flags, v.bytes[HeaderSize:])
			if err != nil {
				t.Fatal(err)
			}
			if m := v.fields["metadata"]; m != "" {
				want.Metadata = got.Metadata
				if diagnose(t, got.Metadata) != m {
					t.Errorf("metadata is %s, want %s", diagnose(t, got.Metadata), m)
				}
			}
			if !reflect.DeepEqual(got, want) || diagnose(t, payload) != v.fields["payload"] {
				t.Errorf("got %+v with %s, want %+v with %s", got, diagnose(t, payload), want, v.fields["payload"])
			}
			again := append(AppendCall(nil, h.Seq, h.Task, &got, len(payload)), payload...)
			if !bytes.Equal(again, v.bytes) {
				t.Errorf("encoded again it is % x", again)
			}
		})
	}
}

// TestMessageVectors holds the bodies to the fields of the messages: each field of each message appears in a vector.
func TestMessageVectors(t *testing.T) {
	messages := map[Type]func() any{
		Setup: func() any { return new(MessageSetup) }, Hello: func() any { return new(MessageHello) },
		Failed: func() any { return new(MessageError) }, Error: func() any { return new(MessageError) },
	}
	seen := map[string]bool{}
	for _, v := range readVectors(t, "frames.txt") {
		typ, body := v.header(t).Type, v.bytes[HeaderSize:]
		if messages[typ] == nil {
			continue
		}
		m := messages[typ]()
		if err := Unmarshal(typ, body, m); err != nil {
			t.Errorf("%s: %v", v.name, err)
		}
		for i := range reflect.TypeOf(m).Elem().NumField() {
			if !reflect.ValueOf(m).Elem().Field(i).IsZero() {
				seen[fmt.Sprintf("%T.%s", m, reflect.TypeOf(m).Elem().Field(i).Name)] = true
			}
		}
		var again any = m
		if got := Marshal(again); diagnose(t, got) != v.fields["body"] {
			t.Errorf("%s: encoded again it is %s", v.name, diagnose(t, got))
		}
	}
	for _, message := range messages {
		typ := reflect.TypeOf(message())
		for i := range typ.Elem().NumField() {
			if name := fmt.Sprintf("%v.%s", typ, typ.Elem().Field(i).Name); !seen[name] {
				t.Errorf("no vector has a %s", name)
			}
		}
	}
}

// TestBrokenVectors are headers after which nothing can be understood.
func TestBrokenVectors(t *testing.T) {
	for _, v := range readVectors(t, "broken.txt") {
		var s Scanner
		s.Feed(v.bytes)
		if h, _, _, ok := s.Next(); ok || s.Err() == nil {
			t.Errorf("%s: got %+v, want an error", v.name, h)
		}
	}
}
