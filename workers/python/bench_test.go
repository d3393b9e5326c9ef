//go:build unix

package python

import (
	"bytes"
	"testing"
	"time"

	"github.com/procpool/procpool/internal/wire"
)

const echoProgram = `
import procpool

@procpool.task
def noop(_): pass

@procpool.task
def echo(x): return x

@procpool.task(views=True)
def echo_view(x): return x
`

// BenchmarkCalls keeps a window of no-op calls in one worker, each answered before the next is begun.
func BenchmarkCalls(b *testing.B) {
	for _, python := range interpreters(b) {
		b.Run(python, func(b *testing.B) {
			o := script(b, echoProgram)
			o.Python = python
			w := launch(b, o)
			const batch = 32
			var calls []byte
			send := func() {
				calls = calls[:0]
				for range batch {
					w.seq++
					calls = append(wire.AppendCall(calls, w.seq, 0, &wire.CallInfo{ID: w.seq, Attempt: 1}, 1), 0xf6)
				}
				w.send(calls)
			}
			for range 4 {
				send()
			}
			b.ResetTimer()
			begin := time.Now()
			for i := 0; i < b.N; i++ {
				w.next()
				if i%batch == batch-1 {
					send()
				}
			}
			b.ReportMetric(float64(b.N)/time.Since(begin).Seconds(), "calls/s")
		})
	}
}

// BenchmarkOne is the way there and back of a single call.
func BenchmarkOne(b *testing.B) {
	w := launch(b, script(b, echoProgram))
	for b.Loop() {
		ask[any](w, 0, nil)
	}
}

// BenchmarkStart is a worker's life without a call.
func BenchmarkStart(b *testing.B) {
	o := script(b, echoProgram)
	for b.Loop() {
		w := launch(b, o)
		w.send(wire.AppendFrame(nil, wire.Header{Type: wire.Stop}, nil))
		w.wait()
	}
}

// BenchmarkBig is the way there and back of 64 MiB, as bytes and as a view.
func BenchmarkBig(b *testing.B) {
	payload := bytes.Repeat([]byte("0123456789abcdef"), 4<<20)
	for task, name := range []string{1: "bytes", 2: "view"} {
		if name == "" {
			continue
		}
		b.Run(name, func(b *testing.B) {
			w := launch(b, script(b, echoProgram))
			frame := w.frame(uint16(task), payload, wire.CallInfo{})
			b.SetBytes(int64(len(payload)))
			for b.Loop() {
				w.seq++
				h := wire.Header{Type: wire.Call, Task: uint16(task), Seq: w.seq, Size: len(frame) - wire.HeaderSize}
				h.Append(frame[:0])
				w.send(frame)
				if h, _ := w.next(); h.Type != wire.Result {
					b.Fatalf("frame of type %d", h.Type)
				}
			}
		})
	}
}
