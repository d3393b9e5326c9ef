package conform

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"

	"github.com/procpool/procpool/internal/wire"
)

var systemRules = []rule{{
	name: "output", says: "what tasks print is output, never wire",
	hint: "descriptor 4 belongs to the protocol alone, 1 and 2 to the tasks; flush when the worker stops", needs: []string{taskPrint},
	judge: judgeOutput,
}, {
	name: "descriptors", says: "descriptors 3 to 6 are closed in programs that a task starts",
	hint:  "set FD_CLOEXEC on descriptors 3, 4, 5 and 6 first of all",
	judge: judgeDescriptors,
}, {
	name: "marker", says: "programs that a task starts do not find PROCPOOL_WORKER in their environment",
	hint: "remove it before anything else is started", needs: []string{taskShell},
	judge: func(t *trial) {
		seq := t.call(taskShell, "printf %s \"${PROCPOOL_WORKER-none}\"")
		t.wantValue(t.next(), seq, "none")
	},
}, {
	name: "initializer", says: "the initializer runs before ready, with its argument", setup: setup{initKeep, "kept"},
	hint: "setup names it; run it between hello and ready", needs: []string{initKeep},
	judge: func(t *trial) {
		t.want(t.next(), wire.Ready, 0)
		seq := t.call(initKeep, nil)
		t.wantValue(t.next(), seq, "kept")
	},
}, {
	name: "no initializer", says: "an initializer that it does not have is answered with failed", setup: setup{"conform.none", nil},
	hint: "send failed (18) with kind unknown instead of ready, then exit with a code other than 0",
	judge: func(t *trial) {
		f := t.next()
		t.want(f, wire.Failed, 0)
		if m := t.problem(f); m.Kind != wire.KindUnknown {
			t.failf("the error is of kind %q, want %q", m.Kind, wire.KindUnknown)
		}
	},
}}

func judgeOutput(t *trial) {
	line := strings.Repeat("noise ", 20_000)
	for range 3 {
		seq := t.call(taskPrint, line)
		t.wantValue(t.next(), seq, (*int)(nil))
	}
	t.control(wire.Stop, 0)
	t.wantExit(soon, "after stop")
	t.output.Wait()
	if got, want := t.stdout.String(), strings.Repeat(line+"\n", 3); got != want {
		t.failf("of %d bytes that the tasks printed, %d arrived on its stdout", len(want), len(got))
	}
}

func judgeDescriptors(t *trial) {
	if runtime.GOOS != "linux" {
		panic(missing("descriptors can be looked at on Linux only"))
	}
	seq := t.call(taskPid, nil)
	f := t.next()
	t.want(f, wire.Result, seq)
	var pid int
	if err := t.decode(f.body, &pid); err != nil {
		t.failf("the result of %s: %v", taskPid, err)
	}
	if pid != t.PID {
		t.failf("%s says %d, but the worker has pid %d", taskPid, pid, t.PID)
	}
	for fd := 3; fd <= 6; fd++ {
		if open, closes := closesOnExec(pid, fd); open && !closes {
			t.failf("descriptor %d is passed on", fd)
		}
	}
}

const cloexec = 0o2000000 // O_CLOEXEC, as /proc shows it

func closesOnExec(pid, fd int) (open, closes bool) {
	info, err := os.ReadFile(fmt.Sprintf("/proc/%d/fdinfo/%d", pid, fd))
	if err != nil {
		return false, false
	}
	_, rest, _ := strings.Cut(string(info), "flags:")
	flags, _ := strconv.ParseUint(strings.Fields(rest)[0], 8, 64)
	return true, flags&cloexec != 0
}
