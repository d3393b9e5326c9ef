//go:build unix

package python

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/procpool/procpool/internal/wire"
)

func TestCommand(t *testing.T) {
	for _, o := range []Options{{}, {Script: "a.py", Module: "b"}, {Function: "a.py"}} {
		if _, _, err := command(o); err == nil {
			t.Errorf("%+v is accepted", o)
		}
	}
	path, args, err := command(Options{Script: "a.py", Args: []string{"-v"}})
	if err != nil || path != "python3" || !slices.Equal(args[2:], []string{"--script", "a.py", "-v"}) {
		t.Errorf("got %s %q, %v", path, args[2:], err)
	}
	const longest = 128 << 10 // of one argument, on Linux
	if n := len(bootstrap()); n > longest*3/4 {
		t.Errorf("the module is %d bytes long, too close to the %d of an argument", n, longest)
	}
}

// Every module is in the list, in an order in which each finds what it imports.
func TestModules(t *testing.T) {
	entries, _ := files.ReadDir("procpool")
	if len(entries) != len(modules) {
		t.Errorf("there are %d files and %d modules", len(entries), len(modules))
	}
}

func TestUnits(t *testing.T) {
	for _, python := range interpreters(t) {
		t.Run(python, func(t *testing.T) {
			out, err := exec.Command(python, "-B", "testdata/test_procpool.py").CombinedOutput()
			if err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

const square = `
def square(x):
    return x * x

def twice(x):
    return 2 * x
`

func TestFunction(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "job.py"), []byte(square), 0o600); err != nil {
		t.Fatal(err)
	}
	w := launch(t, Options{Function: filepath.Join(dir, "job.py") + ":square,twice"})
	if !slices.Equal(w.hello.Tasks, []string{"square", "twice"}) || w.hello.Language != "python" {
		t.Errorf("hello is %+v", w.hello)
	}
	if got := ask[int](w, 0, 7); got != 49 {
		t.Errorf("square is %d", got)
	}
	t.Setenv("PYTHONPATH", dir)
	w = launch(t, Options{Function: "job:twice"})
	if got := ask[int](w, 0, 7); got != 14 {
		t.Errorf("twice is %d", got)
	}
}

func TestModule(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "offers.py"), []byte("import procpool\n@procpool.task\ndef one(): return 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PYTHONPATH", dir)
	if got := ask[int](launch(t, Options{Module: "offers"}), 0, nil); got != 1 {
		t.Errorf("one is %d", got)
	}
}

const program = `
import ctypes, os, signal, subprocess, sys, time
import procpool

@procpool.task
def run(code):
    names = {}
    exec(code, globals(), names)
    return names.get("result")

@procpool.task
def nothing(_): pass

procpool.at_exit(lambda: print("first hook"))
procpool.at_exit(lambda: print("second hook"))
if __name__ == "__main__":
    procpool.serve()
`

// A worker that has answered as many calls as it may start runs its hooks and leaves, without being told.
func TestLimit(t *testing.T) {
	w := launchFor(t, script(t, program), 2)
	for n := range 2 {
		if got := ask[int](w, 0, fmt.Sprintf("result = %d", n)); got != n {
			t.Errorf("task %d gave %d", n, got)
		}
	}
	if status := w.wait(); status.ExitCode() != 0 || w.stdout.String() != "second hook\nfirst hook\n" {
		t.Errorf("it ended with %v, and printed %q", status, w.stdout.String())
	}
}

// How a task may end its process, and what the pool sees of it.
func TestDeaths(t *testing.T) {
	for _, tt := range []struct {
		name, code string
		exit       int
		signal     syscall.Signal
		crash      string // part of the crash text
	}{
		{name: "sys.exit", code: "sys.exit(3)", exit: 3},
		{name: "sys.exit with a text", code: "sys.exit('bye')", exit: 1},
		{name: "os._exit", code: "os._exit(4)", exit: 4},
		{name: "abort", code: "os.abort()", signal: syscall.SIGABRT, crash: "Fatal Python error: Aborted"},
		{name: "segfault", code: "ctypes.string_at(0)", signal: syscall.SIGSEGV, crash: "Fatal Python error: Segmentation fault"},
		{name: "killed", code: "os.kill(os.getpid(), signal.SIGKILL)", signal: syscall.SIGKILL},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := launch(t, script(t, program))
			w.send(w.frame(0, tt.code, wire.CallInfo{}))
			status := w.wait().Sys().(syscall.WaitStatus)
			if status.Signaled() != (tt.signal != 0) || status.Signaled() && status.Signal() != tt.signal || !status.Signaled() && status.ExitStatus() != tt.exit {
				t.Errorf("ended with %#x", status)
			}
			if w.board.Started() != 1 {
				t.Errorf("the board says started %d", w.board.Started())
			}
			if text := string(w.board.CrashText()); !strings.Contains(text, tt.crash) {
				t.Errorf("crash text is %q", text)
			}
			if strings.Contains(w.stdout.String(), "hook") {
				t.Error("exit hooks ran at an exit that was not planned")
			}
		})
	}
}

func TestErrorsSurvive(t *testing.T) {
	w := launch(t, script(t, program))
	for code, want := range map[string]wire.MessageError{
		"raise MemoryError":                     {Kind: wire.KindError, Type: "MemoryError"},
		"raise KeyboardInterrupt":               {Kind: wire.KindError, Type: "KeyboardInterrupt"},
		"def f(): f()\nglobals()['f']=f\nf()":   {Kind: wire.KindError, Type: "RecursionError"},
		"bytearray(1 << 60)":                    {Kind: wire.KindError, Type: "MemoryError"},
		"result = object()":                     {Kind: wire.KindResult, Type: "TypeError"},
		"raise procpool.Canceled":               {Kind: wire.KindError, Type: "procpool.Canceled", Sentinels: []string{"context.Canceled"}},
		"raise type('Own', (Exception,), {})()": {Kind: wire.KindError, Type: "__main__.Own"},
	} {
		w.send(w.frame(0, code, wire.CallInfo{}))
		h, body := w.next()
		var got wire.MessageError
		if err := wire.Unmarshal(h.Type, body, &got); err != nil || h.Type != wire.Error {
			t.Fatalf("%s: a frame of type %d, %v", code, h.Type, err)
		}
		if got.Kind != want.Kind || got.Type != want.Type || !slices.Equal(got.Sentinels, want.Sentinels) || !strings.Contains(got.Stack, "Traceback") {
			t.Errorf("%s: got %+v", code, got)
		}
	}
	if got := ask[int](w, 0, "result = 1"); got != 1 {
		t.Errorf("got %d", got)
	}
}

func TestStopRunsHooks(t *testing.T) {
	w := launch(t, script(t, program))
	w.send(append(w.frame(0, "print('task')", wire.CallInfo{}), wire.AppendFrame(nil, wire.Header{Type: wire.Stop}, nil)...))
	if code := w.wait().ExitCode(); code != 0 {
		t.Errorf("exit code %d, %s", code, w.stderr.String())
	}
	if got := w.stdout.String(); got != "task\nsecond hook\nfirst hook\n" {
		t.Errorf("it printed %q", got)
	}
}

func TestCurrent(t *testing.T) {
	w := launch(t, script(t, program))
	const code = `
t, w = procpool.current_task(), procpool.current_worker()
result = [t.id, t.name, t.attempt, t.metadata["k"], w.name, w.tasks]`
	w.send(w.frame(0, code, wire.CallInfo{ID: 77, Attempt: 2, Metadata: wire.Marshal(map[string]string{"k": "v"})}))
	h, body := w.next()
	var got []any
	if err := wire.Unmarshal(h.Type, body, &got); err != nil || len(got) != 6 {
		t.Fatalf("%v: %v, %s", got, err, body)
	}
	want := []any{uint64(77), "run", uint64(2), "v", "PythonPoolWorker-1", uint64(1)}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// A forked process is no worker: when it comes back from the task, it must not answer.
func TestFork(t *testing.T) {
	w := launch(t, script(t, program))
	for range 3 {
		pid := ask[int](w, 0, "result = os.fork()")
		if pid == 0 {
			t.Fatal("the fork answered")
		}
		if got := ask[[]int](w, 0, "result = list(os.waitpid(-1, 0))"); got[0] != pid {
			t.Errorf("waited for %d, want %d", got[0], pid)
		}
	}
}

// Cancels arrive at any moment of a call's life. Whatever they hit, each call is answered once and the worker lives.
func TestCancelStorm(t *testing.T) {
	for _, python := range interpreters(t) {
		t.Run(python, func(t *testing.T) {
			o := script(t, program)
			o.Python = python
			w := launch(t, o)
			var canceled int
			for i := range 300 {
				w.send(w.frame(0, "time.sleep("+[]string{"0.0115", "0.0002", "0", "60"}[i%4]+")", wire.CallInfo{}))
				if i%4 == 0 {
					pause := time.NewTimer(time.Duration(10_500+i%100*20) * time.Microsecond) // about when the task ends
					<-pause.C
				}
				w.send(wire.AppendFrame(nil, wire.Header{Type: wire.Cancel, Seq: w.seq}, nil))
				h, body := w.next()
				if h.Seq != w.seq || h.Type != wire.Result && h.Type != wire.Error {
					t.Fatalf("call %d: got %+v", w.seq, h)
				}
				if h.Type == wire.Error {
					canceled++
					if !strings.Contains(string(body), "procpool.Canceled") {
						t.Fatalf("call %d: %s", w.seq, body)
					}
				}
			}
			if canceled < 75 {
				t.Errorf("%d calls were canceled, and 75 of them slept for a minute", canceled)
			}
			if got := ask[int](w, 0, "result = 5"); got != 5 {
				t.Errorf("got %d", got)
			}
		})
	}
}

// A loop in Python, which never ends by itself, is interrupted too, and a second call's timeout counts although the first one was attended.
func TestTimeoutInLoop(t *testing.T) {
	w := launch(t, script(t, program))
	for range 3 {
		w.send(w.frame(0, "time.sleep(0.03)", wire.CallInfo{}))
		w.send(w.frame(0, "while True: pass", wire.CallInfo{Timeout: 50 * time.Millisecond}))
		if h, _ := w.next(); h.Type != wire.Result {
			t.Fatalf("got %+v", h)
		}
		h, body := w.next()
		var got wire.MessageError
		if err := wire.Unmarshal(h.Type, body, &got); err != nil || got.Type != "procpool.TimedOut" || !slices.Contains(got.Sentinels, "context.DeadlineExceeded") {
			t.Errorf("got %+v, %+v, %v", h, got, err)
		}
	}
}

// The worker is slow to find out when a call's time is over, so that the call is attended before that is known. It counts.
func TestTimeoutFoundLate(t *testing.T) {
	w := launch(t, script(t, `
import procpool, time
prepare = procpool._worker.prepare
def slowly(*args):
    time.sleep(0.1)
    return prepare(*args)
procpool._worker.prepare = slowly
`+program))
	w.send(w.frame(0, "time.sleep(2)", wire.CallInfo{Timeout: 300 * time.Millisecond}))
	if h, body := w.next(); h.Type != wire.Error || !strings.Contains(string(body), "procpool.TimedOut") {
		t.Errorf("got %+v, %q", h, body)
	}
}

// A task that asks for its worker's replacement is heard before its answer, and once.
func TestRetireIsAnnounced(t *testing.T) {
	w := launch(t, script(t, program))
	w.send(w.frame(0, "procpool.retire(); procpool.retire()", wire.CallInfo{}))
	if h, _ := w.next(); h.Type != wire.Leaving || h.Seq != 1 {
		t.Errorf("got %+v", h)
	}
	if h, _ := w.next(); h.Type != wire.Result || h.Flags&wire.FlagRetire == 0 {
		t.Errorf("got %+v", h)
	}
}

// A worker that is asked what it does shows the task's line, and then goes on.
func TestDump(t *testing.T) {
	w := launch(t, script(t, program))
	begun, held := newFifo(t), newFifo(t)
	w.send(w.frame(0, begun.say("begun")+"\n"+held.wait(), wire.CallInfo{}))
	begun.hear("begun") // the board shows a call before its function runs
	w.send(wire.AppendFrame(nil, wire.Header{Type: wire.Dump, Seq: 1}, nil))
	if h, text := w.next(); h.Type != wire.Dumped || h.Seq != 1 || !strings.Contains(string(text), "in run") {
		t.Errorf("got %+v, %q", h, text)
	}
	held.release()
	if h, _ := w.next(); h.Type != wire.Result {
		t.Errorf("got %+v", h)
	}
	if text := w.board.CrashText(); len(text) > 0 {
		t.Errorf("what it does is taken for a crash: %q", text)
	}
}
