package conform

import (
	"slices"

	"github.com/procpool/procpool/internal/wire"
)

// rules are judged in this order: what later ones build on comes first.
var rules = slices.Concat(
	[]rule{{
		name: "hello", says: "hello comes first and says who it is, then ready",
		hint:  "read setup from descriptor 3, write hello and then ready to descriptor 4, flush; nothing else may write there",
		judge: judgeHello,
	}, {
		name: "tasks", says: "it offers the tasks that the other rules need",
		hint:  "define conform.echo, conform.fail, conform.sleep and conform.pid as docs/protocol.md says, in a program made for this test",
		judge: judgeTasks,
	}, {
		name: "grease", says: "it ignores frames of unknown types",
		hint:  "skip the header's size in bytes after every frame whose type you do not know",
		judge: judgeGrease,
	}},
	valueRules, answerRules, dumpRules, boardRules, endRules, systemRules,
)

func judgeHello(t *trial) {
	h := t.hello
	if h.Version != wire.Version {
		t.failf("hello says version %d, want %d", h.Version, wire.Version)
	}
	if h.Language == "" {
		t.failf("hello does not name a language")
	}
	for i, name := range h.Tasks {
		if name == "" || slices.Contains(h.Tasks[:i], name) {
			t.failf("hello names task %q twice, or it has no name", name)
		}
	}
	for _, codec := range h.Codecs {
		if codec != "cbor" && codec != "json" {
			t.failf("hello offers the codec %q, which no pool knows", codec)
		}
	}
	if h.Window < 0 || h.Window > 1<<16 {
		t.failf("hello asks for a window of %d calls", h.Window)
	}
}

func judgeTasks(t *trial) {
	for _, name := range []string{taskEcho, taskFail, taskSleep, taskPid} {
		if !slices.Contains(t.hello.Tasks, name) {
			t.failf("the worker does not offer %s", name)
		}
	}
}

func judgeGrease(t *trial) {
	for typ := wire.Type(0x40); typ < 0x80; typ++ {
		t.send(wire.AppendFrame(nil, wire.Header{Type: typ, Flags: 0xff, Task: 7, Seq: 1 << 40}, make([]byte, int(typ)-0x40)))
	}
	t.send(wire.AppendFrame(nil, wire.Header{Type: wire.Grease}, make([]byte, 100_000)))
	t.echo("still here")
}
