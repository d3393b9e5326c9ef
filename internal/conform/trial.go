package conform

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/fxamacker/cbor/v2"

	"github.com/procpool/procpool/internal/wire"
)

// trial is a rule's view of its worker.
type trial struct {
	*worker
	ctx      context.Context
	patience time.Duration // how long it has to react; 0: as each rule says
	hello    wire.MessageHello
	seq      uint64
}

// The tasks that a program offers to be judged. What they do stands in docs/protocol.md.
const (
	taskEcho   = "conform.echo"
	taskFail   = "conform.fail"
	taskSleep  = "conform.sleep"
	taskPid    = "conform.pid"
	taskPrint  = "conform.print"
	taskRetire = "conform.retire"
	taskShell  = "conform.shell"
	initKeep   = "conform.keep" // an initializer, and the task that returns what it was given
)

func (t *trial) failf(format string, args ...any) { panic(broken(fmt.Sprintf(format, args...))) }

func (t *trial) handshake(r rule) {
	f := t.next()
	if f.Type != wire.Hello {
		t.failf("its first frame is of type %d, want hello (%d)", f.Type, wire.Hello)
	}
	if err := wire.Unmarshal(f.Type, f.body, &t.hello); err != nil {
		t.failf("%v", err)
	}
	for _, name := range r.needs {
		if !slices.Contains(t.hello.Tasks, name) && !slices.Contains(t.hello.Initializers, name) {
			panic(missing("the worker does not offer " + name))
		}
	}
	if r.setup.initializer == "" {
		t.want(t.next(), wire.Ready, 0)
	}
}

// next waits for the worker's next frame.
func (t *trial) next() frame {
	select {
	case f, ok := <-t.frames:
		if !ok {
			t.failf("descriptor 4 was closed (%v) where a frame was due", t.torn)
		}
		return f
	case <-t.ctx.Done():
		t.failf("it sent nothing where a frame was due")
	}
	panic("unreachable")
}

// nextSoon is next for answers that are due soon.
func (t *trial) nextSoon(what string) frame {
	d := cmp.Or(t.patience, soon)
	select {
	case f, ok := <-t.frames:
		if !ok {
			t.failf("descriptor 4 was closed (%v) %s", t.torn, what)
		}
		return f
	case <-time.After(d):
		t.failf("no answer within %v %s", d, what)
	}
	panic("unreachable")
}

func (t *trial) want(f frame, typ wire.Type, seq uint64) {
	if f.Type == typ && f.Seq == seq {
		return
	}
	detail := ""
	if f.Type == wire.Error || f.Type == wire.Failed {
		detail = ": " + t.problem(f).Message
	}
	t.failf("it sent a frame of type %d for call %d, want type %d for call %d%s", f.Type, f.Seq, typ, seq, detail)
}

func (t *trial) problem(f frame) (m wire.MessageError) {
	if err := wire.Unmarshal(f.Type, f.body, &m); err != nil {
		t.failf("%v", err)
	}
	return m
}

func (t *trial) wantError(f frame, seq uint64, kind string) wire.MessageError {
	t.want(f, wire.Error, seq)
	m := t.problem(f)
	if m.Kind != kind {
		t.failf("the error of call %d is of kind %q, want %q", seq, m.Kind, kind)
	}
	return m
}

// wantExit waits until the process has ended.
func (t *trial) wantExit(d time.Duration, when string) {
	d = cmp.Or(t.patience, d)
	select {
	case <-t.exited:
	case <-time.After(d):
		t.failf("it did not exit within %v %s", d, when)
	}
}

func (t *trial) number(name string) uint16 {
	i := slices.Index(t.hello.Tasks, name)
	if i < 0 {
		panic(missing("the worker does not offer " + name))
	}
	return uint16(i)
}

// frame makes a call with the next number.
func (t *trial) frame(name string, arg any, c wire.CallInfo) []byte {
	return t.raw(t.number(name), t.encode(arg), c)
}

func (t *trial) raw(task uint16, payload []byte, c wire.CallInfo) []byte {
	t.seq++
	c.ID = 1000 + t.seq
	if c.Attempt == 0 {
		c.Attempt = 1
	}
	return append(wire.AppendCall(nil, t.seq, task, &c, len(payload)), payload...)
}

func (t *trial) call(name string, arg any) uint64 {
	t.send(t.frame(name, arg, wire.CallInfo{}))
	return t.seq
}

// echo checks that the worker still works, and that v survives both ways.
func (t *trial) echo(v any) {
	seq := t.call(taskEcho, v)
	t.wantValue(t.next(), seq, v)
}

func (t *trial) wantValue(f frame, seq uint64, v any) {
	t.want(f, wire.Result, seq)
	if v == nil {
		v = (*int)(nil)
	}
	got := reflect.New(reflect.TypeOf(v))
	if err := t.decode(f.body, got.Interface()); err != nil {
		t.failf("the result of call %d: %v", seq, err)
	}
	if !reflect.DeepEqual(got.Elem().Interface(), v) {
		t.failf("sent %s, got back %s", short(v), short(got.Elem().Interface()))
	}
}

func short(v any) string {
	s := fmt.Sprintf("%T %v", v, v)
	return s[:min(len(s), 80)]
}

func (t *trial) json() bool {
	return len(t.hello.Codecs) > 0 && !slices.Contains(t.hello.Codecs, "cbor")
}

func (t *trial) encode(v any) []byte {
	marshal := cbor.Marshal
	if t.json() {
		marshal = json.Marshal
	}
	b, err := marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

func (t *trial) decode(b []byte, v any) error {
	if t.json() {
		return json.Unmarshal(b, v)
	}
	return cbor.Unmarshal(b, v)
}

func (t *trial) control(typ wire.Type, seq uint64) {
	t.send(wire.AppendFrame(nil, wire.Header{Type: typ, Seq: seq}, nil))
}

// waitStarted waits until the board shows that the worker runs call seq. Memory has no event to wait for.
func (t *trial) waitStarted(seq uint64) {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for t.board.Started() != seq {
		select {
		case <-tick.C:
		case f := <-t.frames:
			t.failf("it answered call %d with a frame of type %d, but started on the board is %d", f.Seq, f.Type, t.board.Started())
		case <-t.ctx.Done():
			t.failf("started on the board is %d, call %d should run", t.board.Started(), seq)
		}
	}
}
