//go:build unix

package python

import (
	"bytes"
	"io"
	"os/exec"
	"testing"
	"time"

	"github.com/procpool/procpool"
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

procpool.serve()
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

// BenchmarkBig is the way there and back of 64 MiB: through a plain pipe to cat, the least that two copies into the kernel
// and two out of it take; to a bare worker; and through a pool, from a Go slice to a Go slice. All are in one run, in turns.
func BenchmarkBig(b *testing.B) {
	payload := bytes.Repeat([]byte("0123456789abcdef"), 4<<20)
	pool := newPool(b, procpool.Config{Processes: 1}, script(b, echoProgram))
	viaPool := func(task procpool.Task[procpool.View, []byte]) {
		if got, err := task.Apply(b.Context(), pool, payload); err != nil || len(got) != len(payload) {
			b.Fatalf("%d bytes, %v", len(got), err)
		}
	}
	echo, view := procpool.Declare[procpool.View, []byte]("echo"), procpool.Declare[procpool.View, []byte]("echo_view")
	ways := []struct {
		name string
		run  func()
	}{
		{"pipe", plainPipe(b, payload)},
		{"bare", bareEcho(b, payload)},
		{"bytes", func() { viaPool(echo) }},
		{"view", func() { viaPool(view) }},
	}
	took := map[string][]float64{}
	for b.Loop() {
		for _, way := range ways {
			begin := time.Now()
			way.run()
			took[way.name] = append(took[way.name], time.Since(begin).Seconds()*1000)
		}
	}
	b.ReportMetric(0, "ns/op")
	for name, ms := range took {
		b.ReportMetric(median(ms), name+"-ms")
	}
	b.ReportMetric(median(took["view"])/median(took["pipe"]), "view/pipe")
}

// plainPipe returns a function that sends the payload through cat, with pipes as large as a pool makes them.
func plainPipe(b *testing.B, payload []byte) func() {
	cat := exec.Command("cat")
	in, _ := cat.StdinPipe()
	out, _ := cat.StdoutPipe()
	if err := cat.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { in.Close(); cat.Wait() })
	got := make([]byte, len(payload))
	return func() {
		go in.Write(payload) // ends when all is read, before this returns
		if _, err := io.ReadFull(out, got); err != nil {
			b.Fatal(err)
		}
	}
}

// bareEcho returns a function that sends the payload to a worker without a pool.
func bareEcho(b *testing.B, payload []byte) func() {
	const task = 2 // echo_view
	w := launch(b, script(b, echoProgram))
	frame := w.frame(task, payload, wire.CallInfo{})
	return func() {
		w.seq++
		wire.Header{Type: wire.Call, Task: task, Seq: w.seq, Size: len(frame) - wire.HeaderSize}.Append(frame[:0])
		w.send(frame)
		if h, _ := w.next(); h.Type != wire.Result {
			b.Fatalf("frame of type %d", h.Type)
		}
	}
}
