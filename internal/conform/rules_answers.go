package conform

import (
	"time"

	"github.com/procpool/procpool/internal/wire"
)

var answerRules = []rule{{
	name: "error", says: "a task that fails is answered with its error, and the worker goes on",
	hint:  "answer with an error frame of kind error and the message; do not exit",
	judge: judgeError,
}, {
	name: "argument", says: "an argument that cannot be decoded is answered, and the worker goes on",
	hint:  "answer with an error frame of kind argument; the frame itself is whole, so the stream is not broken",
	judge: judgeArgument,
}, {
	name: "unknown", says: "a task number outside of hello's list is answered, and the worker goes on",
	hint:  "answer with an error frame of kind unknown",
	judge: judgeUnknown,
}, {
	name: "order", says: "each of a full window of calls is answered once, in order",
	hint:  "answer every call exactly once, the first to come first; never hold more than hello's window",
	judge: judgeOrder,
}, {
	name: "cancel", says: "cancel ends a running call, which is answered",
	hint:  "go on reading descriptor 3 while a task runs; when cancel names its call, end it and answer with an error",
	judge: judgeCancel,
}, {
	name: "late cancel", says: "cancel of a call that is answered, or never came, is ignored",
	hint:  "compare the number in cancel with the call that runs",
	judge: judgeLateCancel,
}, {
	name: "timeout", says: "a call ends when its timeout or its deadline has passed",
	hint:  "treat the end of the time like a cancel; the pool kills the worker only if it does not answer",
	judge: judgeTimeout,
}, {
	name: "retire", says: "an answer may ask for the worker to be replaced, until then it works on, or gives calls back",
	hint: "set bit 0 of the answer's flags, perhaps with a frame of type 23 before it, and wait for stop; a call that comes before is run, or answered returned with the same bit", needs: []string{taskRetire},
	judge: judgeRetire,
}}

func judgeError(t *trial) {
	seq := t.call(taskFail, "out of paper")
	m := t.wantError(t.next(), seq, wire.KindError)
	if m.Message != "out of paper" {
		t.failf("the error's message is %q, want %q", m.Message, "out of paper")
	}
	if m.Type == "" {
		t.failf("the error has no type")
	}
	t.echo("next")
}

func judgeArgument(t *trial) {
	payloads := [][]byte{{}, {0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, {0x65, 'h', 'i'}, {0xff}, {0x01, 0x01}}
	for _, p := range payloads {
		t.send(t.raw(t.number(taskEcho), p, wire.CallInfo{}))
		t.wantError(t.next(), t.seq, wire.KindArgument)
	}
	t.echo("next")
}

func judgeUnknown(t *trial) {
	for _, n := range []uint16{uint16(len(t.hello.Tasks)), 0xffff} {
		t.send(t.raw(n, t.encode(nil), wire.CallInfo{}))
		t.wantError(t.next(), t.seq, wire.KindUnknown)
	}
	t.echo("next")
}

func (t *trial) window() int { return max(1, t.hello.Window) }

func judgeOrder(t *trial) {
	var all []byte
	for i := range t.window() {
		all = append(all, t.frame(taskEcho, i, wire.CallInfo{})...)
	}
	t.send(all)
	for i := range t.window() {
		t.wantValue(t.next(), uint64(i+1), i)
	}
	t.echo("next")
}

func judgeCancel(t *trial) {
	seq := t.call(taskSleep, 60)
	t.waitStarted(seq)
	next := uint64(0)
	if t.window() > 1 {
		next = t.call(taskEcho, "behind it")
	}
	t.control(wire.Cancel, seq)
	t.wantError(t.nextSoon("after cancel"), seq, wire.KindError)
	if next != 0 {
		t.wantValue(t.next(), next, "behind it")
	}
	t.send(append(t.frame(taskSleep, 60, wire.CallInfo{}), wire.AppendFrame(nil, wire.Header{Type: wire.Cancel, Seq: t.seq}, nil)...))
	t.wantError(t.nextSoon("after a call and its cancel in one piece"), t.seq, wire.KindError)
	t.echo("next")
}

func judgeLateCancel(t *trial) {
	t.echo("first")
	t.control(wire.Cancel, t.seq)
	t.control(wire.Cancel, 1<<40)
	t.echo("next")
	seq := t.call(taskSleep, 0.05)
	t.control(wire.Cancel, seq-1)
	t.want(t.next(), wire.Result, seq)
}

func judgeTimeout(t *trial) {
	t.send(t.frame(taskSleep, 60, wire.CallInfo{Timeout: 50 * time.Millisecond}))
	t.wantError(t.nextSoon("after the timeout"), t.seq, wire.KindError)
	t.send(t.frame(taskSleep, 60, wire.CallInfo{Timeout: time.Hour, Deadline: time.Now().Add(50 * time.Millisecond).UnixNano()}))
	t.wantError(t.nextSoon("after the deadline"), t.seq, wire.KindError)
	t.echo("next")
}

func judgeRetire(t *trial) {
	seq := t.call(taskRetire, nil)
	f := t.next()
	if f.Type == wire.Leaving {
		t.want(f, wire.Leaving, seq)
		f = t.next()
	}
	t.want(f, wire.Result, seq)
	if f.Flags&wire.FlagRetire == 0 {
		t.failf("the answer of %s has flags %#x, want bit 0 set", taskRetire, f.Flags)
	}
	seq = t.call(taskEcho, "next")
	if f = t.next(); f.Type != wire.Returned || f.Seq != seq || f.Flags&wire.FlagRetire == 0 {
		t.wantValue(f, seq, "next")
	}
	t.control(wire.Stop, 0)
	t.wantExit(soon, "after stop")
}
