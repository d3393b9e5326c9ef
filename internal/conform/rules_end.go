package conform

import (
	"time"

	"github.com/procpool/procpool/internal/wire"
)

var endRules = []rule{{
	name: "stop", says: "after stop it answers what came before, and exits with code 0",
	hint:  "stop has its place among the calls: answer those before it, run the exit hooks, exit with 0",
	judge: judgeStop,
}, {
	name: "end", says: "at the end of descriptor 3 an idle worker exits within 1 s",
	hint: "a read of 0 bytes means that the pool is gone: exit at once, whatever the code",
	judge: func(t *trial) {
		t.echo("x")
		t.in.Close()
		t.wantExit(time.Second, "of the end of descriptor 3")
	},
}, {
	name: "busy end", says: "at the end of descriptor 3 a busy worker exits within 1 s",
	hint: "go on reading descriptor 3 while a task runs",
	judge: func(t *trial) {
		t.waitStarted(t.call(taskSleep, 60))
		t.in.Close()
		t.wantExit(time.Second, "of the end of descriptor 3")
	},
}, {
	name: "torn", says: "at an end in the middle of a frame it exits within 1 s, and runs nothing",
	hint: "never act on a part of a frame",
	judge: func(t *trial) {
		f := t.frame(taskEcho, "never whole", wire.CallInfo{})
		t.send(f[:len(f)-1])
		t.in.Close()
		t.wantExit(time.Second, "of the end of descriptor 3")
		if s := t.board.Started(); s != 0 {
			t.failf("it started call %d of which a part was missing", s)
		}
	},
}, {
	name: "garbage", says: "at a frame over its limit it exits with a code other than 0",
	hint: "check the header's size against the limits before allocating; nothing after such a header can be trusted",
	judge: func(t *trial) {
		t.echo("x")
		t.send(wire.Header{Type: wire.Cancel, Size: wire.MaxControl + 1}.Append(nil))
		t.wantExit(soon, "of a frame over its limit")
		if t.Wait().ExitCode == 0 {
			t.failf("it exited with code 0")
		}
	},
}}

func judgeStop(t *trial) {
	var all []byte
	n := min(t.window(), 8)
	for i := range n {
		all = append(all, t.frame(taskEcho, i, wire.CallInfo{})...)
	}
	t.send(wire.AppendFrame(all, wire.Header{Type: wire.Stop}, nil))
	for i := range n {
		t.wantValue(t.next(), uint64(i+1), i)
	}
	t.wantExit(soon, "after stop")
	if code := t.Wait().ExitCode; code != 0 {
		t.failf("it exited with code %d, want 0", code)
	}
	if f, more := <-t.frames; more {
		t.failf("after the last answer it sent a frame of type %d", f.Type)
	}
}
