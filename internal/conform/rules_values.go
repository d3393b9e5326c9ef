package conform

import (
	"math"
	"strings"
	"time"

	"github.com/procpool/procpool/internal/wire"
)

var valueRules = []rule{{
	name: "values", says: "null, numbers, texts, arrays and maps survive both ways",
	hint:  "check the codec at its borders: 23/24, 255/256, 65535/65536, 2^32, negative numbers, empty texts and arrays",
	judge: judgeValues,
}, {
	name: "bytes", says: "byte strings of 0 bytes to 8 MiB survive both ways",
	hint:  "read until the whole frame is there and write until the whole frame is gone: a pipe takes and gives a part at a time",
	judge: judgeBytes,
}, {
	name: "pieces", says: "frames may arrive cut at any byte",
	hint:  "keep what is left over from a read, the header too may be cut",
	judge: judgePieces,
}, {
	name: "fields", says: "every combination of a call's optional fields is understood",
	hint:  "before the payload come id, timeout, deadline, attempt, metadata: in this order, each only if its flag is set",
	judge: judgeFields,
}, {
	name: "spread", says: "with the flag spread, the payload is an array of arguments",
	hint: "call the function with the array's elements as its arguments",
	judge: func(t *trial) {
		t.send(t.frame(taskEcho, []string{"only argument"}, wire.CallInfo{Spread: true}))
		t.wantValue(t.next(), t.seq, "only argument")
	},
}}

func judgeValues(t *trial) {
	t.echo(nil)
	t.echo(true)
	t.echo(false)
	for _, n := range []int64{0, 1, 23, 24, 255, 256, 65535, 65536, math.MaxUint32, math.MaxUint32 + 1, 1 << 53} {
		t.echo(n)
		t.echo(-n)
	}
	for _, x := range []float64{0.5, -1.25, math.Pi, 1e300, 5e-324} {
		t.echo(x)
	}
	for _, n := range []int{0, 1, 23, 24, 255, 256, 70_000} {
		t.echo(strings.Repeat("é", n))
	}
	t.echo([]string{})
	t.echo([]int{1, 2, 3})
	t.echo(map[string]int{"a": 1, "ü": -2})
	t.echo(map[string][]map[string]string{"deep": {{"er": "x"}, {}}})
}

func judgeBytes(t *trial) {
	for _, n := range []int{0, 1, 23, 24, 255, 256, 4095, 4096, 65535, 65536, 65537, 1 << 20, 8 << 20} {
		p := make([]byte, n)
		for i := range p {
			p[i] = byte(i * 7 >> 3)
		}
		t.echo(p)
	}
}

func judgePieces(t *trial) {
	f := t.frame(taskEcho, "in pieces", wire.CallInfo{})
	for _, b := range f {
		t.send([]byte{b})
	}
	t.wantValue(t.next(), t.seq, "in pieces")
	for cut := range len(f) {
		f := t.frame(taskEcho, "in pieces", wire.CallInfo{})
		t.send(f[:cut])
		t.send(f[cut:])
		t.wantValue(t.next(), t.seq, "in pieces")
	}
}

func judgeFields(t *trial) {
	for flags := range 16 {
		var c wire.CallInfo
		if flags&1 != 0 {
			c.Timeout = time.Hour
		}
		if flags&2 != 0 {
			c.Deadline = time.Now().Add(time.Hour).UnixNano()
		}
		if flags&4 != 0 {
			c.Attempt = 3
		}
		if flags&8 != 0 {
			c.Metadata = wire.Marshal(map[string]string{"trace": "0af7651916cd43dd"})
		}
		t.send(t.frame(taskEcho, flags, c))
		t.wantValue(t.next(), t.seq, flags)
	}
}
