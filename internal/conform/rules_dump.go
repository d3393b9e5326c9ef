package conform

import (
	"unicode/utf8"

	"github.com/procpool/procpool/internal/wire"
)

var dumpRules = []rule{{
	name: "dump", says: "dump is answered with what the worker is doing in the running call, if hello said dumps, else ignored",
	hint: "when dump names the call that runs, write dumped (22) with that call's number and the stacks of all threads as text, " +
		"from another thread than the one that runs the call; a worker that cannot must not say dumps in hello",
	judge: judgeDump,
}, {
	name: "late dump", says: "dump of a call that does not run is ignored, and nothing of a call comes behind its answer",
	hint:  "compare the number in dump with the call that runs, and let no answer be written between that and dumped",
	judge: judgeLateDump,
}}

// mostDump is how long the text of dumped may be.
const mostDump = 1 << 16

func judgeDump(t *trial) {
	for range 2 {
		seq := t.call(taskSleep, 60)
		t.waitStarted(seq)
		t.control(wire.Dump, seq)
		if t.hello.Dumps {
			t.wantDumped(t.nextSoon("after dump"), seq)
		}
		t.control(wire.Cancel, seq)
		t.wantError(t.nextSoon("after cancel"), seq, wire.KindError)
	}
	t.echo("next")
}

func (t *trial) wantDumped(f frame, seq uint64) {
	t.want(f, wire.Dumped, seq)
	if n := len(f.body); n == 0 || n > mostDump {
		t.failf("dumped has %d bytes, want 1 to %d", n, mostDump)
	}
	if !utf8.Valid(f.body) {
		t.failf("dumped is no UTF-8")
	}
}

func judgeLateDump(t *trial) {
	t.echo("first")
	for _, seq := range []uint64{0, t.seq, t.seq + 1, 1 << 40} {
		t.control(wire.Dump, seq)
	}
	t.echo("next")
	if t.window() > 1 {
		running := t.call(taskSleep, 60)
		t.waitStarted(running)
		waiting := t.call(taskEcho, "behind it")
		t.control(wire.Dump, waiting)
		t.control(wire.Cancel, running)
		t.wantError(t.nextSoon("after cancel"), running, wire.KindError)
		t.wantValue(t.next(), waiting, "behind it")
	}
	for range 200 { // of calls so short that some end just when they are asked about
		t.send(append(t.frame(taskEcho, "x", wire.CallInfo{}), wire.AppendFrame(nil, wire.Header{Type: wire.Dump, Seq: t.seq}, nil)...))
		f := t.next()
		if f.Type == wire.Dumped && t.hello.Dumps {
			t.wantDumped(f, t.seq)
			f = t.next()
		}
		t.wantValue(f, t.seq, "x")
	}
	t.echo("next")
}
