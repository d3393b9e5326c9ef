package conform

import "github.com/procpool/procpool/internal/wire"

var boardRules = []rule{{
	name: "board", says: "a call stands as claimed and started on the board before its function runs",
	hint:  "map 4096 bytes of descriptor 5, shared and writable; uint64 at 64 is claim, at 72 started, little-endian",
	judge: judgeBoard,
}, {
	name: "taken back", says: "a call that was taken back is answered so, and neither started nor run",
	hint:  "store claim, then load revoked (at 128): if the call is not above it, answer returned (21) and leave started alone",
	judge: judgeTakenBack,
}, {
	name: "taken late", says: "calls that wait behind a running one can be taken back",
	hint:  "look at revoked right before each call, not when it is read",
	judge: judgeTakenLate,
}}

func judgeBoard(t *trial) {
	for range 3 {
		t.echo("x")
		if c, s := t.board.Claimed(), t.board.Started(); c != t.seq || s != t.seq {
			t.failf("after the answer of call %d, the board shows claim %d and started %d", t.seq, c, s)
		}
	}
	seq := t.call(taskSleep, 60)
	t.waitStarted(seq)
	if c := t.board.Claimed(); c != seq {
		t.failf("while call %d runs, the board shows claim %d", seq, c)
	}
}

func judgeTakenBack(t *trial) {
	t.board.Revoke(2, true)
	for range 2 {
		seq := t.call(taskEcho, "x")
		t.want(t.next(), wire.Returned, seq)
		if c, s := t.board.Claimed(), t.board.Started(); c != seq || s != 0 {
			t.failf("call %d was taken back, and the board shows claim %d and started %d, want %d and 0", seq, c, s, seq)
		}
	}
	t.echo("next")
	if s := t.board.Started(); s != 3 {
		t.failf("the board shows started %d, want 3", s)
	}
}

func judgeTakenLate(t *trial) {
	if t.window() < 2 {
		panic(missing("the worker holds one call at a time"))
	}
	running := t.call(taskSleep, 60)
	t.waitStarted(running)
	n := uint64(min(t.window(), 64) - 1)
	for range n {
		t.call(taskEcho, "behind it")
	}
	claimed, ok := t.board.Revoke(running+n, t.hello.Fenced)
	if !ok {
		panic(missing("this system has no barrier that makes up for the worker's missing one"))
	}
	if claimed != running {
		t.failf("while call %d runs, the board shows claim %d", running, claimed)
	}
	t.control(wire.Cancel, running)
	t.wantError(t.next(), running, wire.KindError)
	for seq := running + 1; seq <= running+n; seq++ {
		t.want(t.next(), wire.Returned, seq)
	}
	t.echo("next")
}
