package wire

import (
	"bytes"
	"reflect"
	"testing"
)

func FuzzParseHeader(f *testing.F) {
	f.Add(Header{Type: Call, Flags: 3, Task: 4, Seq: 5, Size: 6}.Append(nil))
	f.Add(bytes.Repeat([]byte{0xff}, HeaderSize))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) < HeaderSize {
			return
		}
		h, err := ParseHeader(b)
		if err == nil && h.Size > MaxBody {
			t.Errorf("accepted a body of %d bytes", h.Size)
		}
		if again := h.Append(nil); !bytes.Equal(again, b[:HeaderSize]) {
			t.Errorf("% x became % x", b[:HeaderSize], again)
		}
	})
}

func FuzzParseCall(f *testing.F) {
	full := CallInfo{ID: 1, Timeout: 2, Deadline: 3, Attempt: 4, Metadata: []byte("meta"), Spread: true}
	b := AppendCall(nil, 1, 2, &full, 0)
	f.Add(b[5], b[HeaderSize:])
	f.Add(uint8(0), []byte("only an id, and then"))
	f.Fuzz(func(t *testing.T, flags uint8, body []byte) {
		c, payload, err := ParseCall(flags, body)
		if err != nil {
			return
		}
		if len(payload)+len(c.Metadata)+8 > len(body) {
			t.Fatalf("%d bytes of payload and %d of metadata from a body of %d", len(payload), len(c.Metadata), len(body))
		}
		if c.Timeout < 0 || c.Attempt < 1 {
			return // no pool says that
		}
		frame := append(AppendCall(nil, 1, 2, &c, len(payload)), payload...)
		h, err := ParseHeader(frame)
		if err != nil {
			t.Fatal(err)
		}
		again, rest, err := ParseCall(h.Flags, frame[HeaderSize:])
		if len(c.Metadata) == 0 {
			c.Metadata = nil // none and an empty one are the same
		}
		if err != nil || !reflect.DeepEqual(again, c) || !bytes.Equal(rest, payload) {
			t.Errorf("%+v %q became %+v %q, %v", c, payload, again, rest, err)
		}
	})
}

// FuzzScanner cuts any bytes in two pieces anywhere: the frames are those of the whole, and what they hold came in. It is so
// for each way to take them: singly, in batches, and in the place where they belong.
func FuzzScanner(f *testing.F) {
	f.Add(stream(), 17)
	f.Add(bytes.Repeat([]byte{0xff}, 40), 3)
	f.Add(AppendFrame(stream(), Header{Type: Result, Seq: 3}, make([]byte, leastRoom+40)), 150)
	f.Fuzz(func(t *testing.T, b []byte, cut int) {
		if cut < 0 || cut > len(b) {
			return
		}
		var whole, pieces Scanner
		want, got := scan(&whole, b), scan(&pieces, b[:cut], b[cut:])
		same(t, "in two pieces", &pieces, got, &whole, want)
		var again []byte
		for _, s := range got {
			again = AppendFrame(again, s.Header, []byte(s.body))
		}
		if !bytes.HasPrefix(b, again) || whole.Err() == nil && len(again)+whole.Torn() != len(b) {
			t.Errorf("% x became % x, torn %d", b, again, whole.Torn())
		}
		if cap(pieces.part) > 4*len(b)+64 {
			t.Errorf("%d bytes are kept in %d", len(b), cap(pieces.part))
		}
		for _, most := range []int{1, 3, 64} {
			var batches Scanner
			same(t, "in batches", &batches, cutAll(t, &batches, most, b[:cut], b[cut:]), &whole, want)
			if trusts(b) {
				trusting := Scanner{Trusting: true}
				same(t, "in their place", &trusting, cutAll(t, &trusting, most, b[:cut], b[cut:]), &whole, want)
			}
		}
	})
}

// trusts reports whether no header claims so much that a scanner which trusts it would make the test slow.
func trusts(b []byte) bool {
	for len(b) >= HeaderSize {
		h, err := ParseHeader(b)
		switch {
		case err != nil || h.Size > 1<<20:
			return err != nil
		case HeaderSize+h.Size > len(b):
			return true
		}
		b = b[HeaderSize+h.Size:]
	}
	return true
}

// FuzzMessages never panics, whatever a worker says about itself.
func FuzzMessages(f *testing.F) {
	f.Add(Marshal(MessageHello{Version: 1, Language: "c", Tasks: []string{"square"}}))
	f.Add(Marshal(MessageError{Kind: KindError, Message: "no", Sentinels: []string{"io.EOF"}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		var hello MessageHello
		if Unmarshal(Hello, b, &hello) == nil {
			var again MessageHello
			if err := Unmarshal(Hello, Marshal(hello), &again); err != nil {
				t.Errorf("%+v: %v", hello, err)
			}
		}
		var m MessageError
		_ = Unmarshal(Error, b, &m)
	})
}
