//go:build unix

package procpool_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"
	"testing"

	"github.com/procpool/procpool"
)

var errOwn = errors.New("an error of this program")

func init() { procpool.RegisterError("contract.own", errOwn) }

// sentinelsByName are errors that a task can be asked to return.
var sentinelsByName = map[string]error{
	"canceled": context.Canceled, "deadline": context.DeadlineExceeded, "eof": io.EOF, "unexpected": io.ErrUnexpectedEOF,
	"pipe": io.ErrClosedPipe, "short": io.ErrShortWrite, "progress": io.ErrNoProgress, "buffer": io.ErrShortBuffer,
	"invalid": fs.ErrInvalid, "permission": fs.ErrPermission, "exist": fs.ErrExist, "notexist": fs.ErrNotExist,
	"closed": fs.ErrClosed, "osdeadline": os.ErrDeadlineExceeded, "processdone": os.ErrProcessDone,
	"unsupported": errors.ErrUnsupported, "own": errOwn,
}

var ctSentinel = procpool.Define("contract.sentinel", func(_ context.Context, name string) (int, error) {
	return 0, fmt.Errorf("outer: %w", fmt.Errorf("inner: %w", sentinelsByName[name]))
})

func TestErrorsIsAcrossTheBorder(t *testing.T) {
	c := newContract(t)
	p := c.pool(procpool.Config{Processes: 1})
	for name, want := range sentinelsByName {
		_, err := ctSentinel.Apply(c.ctx, p, name)
		for other, target := range sentinelsByName {
			if got := errors.Is(err, target); got != (name == other) {
				t.Errorf("%s is %s: %v", name, other, got)
			}
		}
		if te := errorAs[*procpool.TaskError](c, err); te.Message != "outer: inner: "+want.Error() || te.Type != "*fmt.wrapError" {
			t.Errorf("%+v", te)
		}
	}
	c.shut(p)
}

var (
	ctPanicError = procpool.Define("contract.panicError", func(context.Context, int) (int, error) { panic(errOwn) })
	ctNil        = procpool.Define("contract.nil", func(_ context.Context, m map[string]int) (int, error) { m["a"] = 1; return 0, nil })
	ctGoexit     = procpool.Define("contract.goexit", func(context.Context, int) (int, error) { runtime.Goexit(); return 0, nil })
)

// A panic, a fault in Go and Goexit cost the task, not the worker.
func TestPanics(t *testing.T) {
	c := newContract(t)
	p := c.pool(procpool.Config{Processes: 1})
	_, panicked := ctPanic.Apply(c.ctx, p, "aua")
	_, withError := ctPanicError.Apply(c.ctx, p, 0)
	_, fault := ctNil.Apply(c.ctx, p, nil)
	_, goexit := ctGoexit.Apply(c.ctx, p, 0)
	for _, tc := range []struct {
		err                  error
		typ, message, inside string
	}{
		{panicked, "string", "aua", "contract_help_test.go"},
		{withError, "*errors.errorString", errOwn.Error(), "contract_error_test.go"},
		{fault, "runtime.plainError", "assignment to entry in nil map", "contract_error_test.go"},
		{goexit, "goexit", "the function called runtime.Goexit", "contract_error_test.go"},
	} {
		e := errorAs[*procpool.TaskError](c, tc.err)
		if !e.Panic || e.Message != tc.message || !strings.Contains(e.Stack, tc.inside) || e.Worker != p.Workers()[0].Name {
			t.Errorf("%+v", e)
		}
		if tc.typ != e.Type && !strings.HasPrefix(e.Type, "runtime.") {
			t.Errorf("type %q, want %q", e.Type, tc.typ)
		}
		c.says(e, e.Task, "panicked", tc.message)
	}
	c.usable(p)
	c.shut(p)
	if s := p.Stats(); s.Started != 1 || s.Failed != 4 {
		t.Errorf("%+v", s)
	}
}

// A message may hold any bytes.
func TestTaskErrorNotUTF8(t *testing.T) {
	c := newContract(t)
	p := c.pool(procpool.Config{Processes: 1})
	for _, s := range []string{"", "\xff\xfe\x00bad", strings.Repeat("\xf0", 100<<10), "ä\n\x1b[1m"} {
		_, err := ctFail.Apply(c.ctx, p, s)
		if e := errorAs[*procpool.TaskError](c, err); e.Message != s || e.Panic || e.Stack != "" || e.Task != "contract.fail" {
			t.Errorf("%.40q became %.40q", s, e.Message)
		}
		_, err = ctPanic.Apply(c.ctx, p, s)
		if e := errorAs[*procpool.TaskError](c, err); e.Message != s || !e.Panic {
			t.Errorf("%.40q became %.40q", s, e.Message)
		}
	}
	c.usable(p)
	c.shut(p)
}

func TestUnknownTask(t *testing.T) {
	c := newContract(t)
	p := c.ready(procpool.Config{Processes: 1})
	_, err := procpool.Declare[int, int]("contract.nobody").Apply(c.ctx, p, 1)
	c.is(err, procpool.ErrUnknownTask)
	c.says(err, "contract.nobody", p.Workers()[0].Name)
	c.usable(p)
	c.shut(p)
}

var (
	ctThrow = procpool.Define("contract.throw", func(context.Context, int) (int, error) {
		go func() { panic("on a goroutine of its own") }()
		select {}
	})
	ctOverflow = procpool.Define("contract.overflow", func(context.Context, int) (int, error) {
		debug.SetMaxStack(1 << 20)
		return deeper(0), nil
	})
	ctHangUp = procpool.Define("contract.hangUp", func(context.Context, int) (int, error) {
		for fd := 3; fd <= 6; fd++ {
			syscall.Close(fd)
		}
		select {}
	})
	ctLastWords = procpool.Define("contract.lastWords", func(_ context.Context, s string) (int, error) {
		fmt.Fprint(os.Stderr, s)
		os.Exit(7)
		return 0, nil
	})
)

// anySignal is what the pool ends a worker with.
const anySignal = -1

//lint:ignore SA5007 the stack is to overflow
func deeper(n int) int { return deeper(n+1) + 1 }

func TestWorkerErrorCauses(t *testing.T) {
	c := newContract(t)
	p := c.pool(procpool.Config{Processes: 1, Stderr: io.Discard})
	sig := func(s syscall.Signal) error {
		_, err := ctSignal.Apply(c.ctx, p, int(s))
		return err
	}
	_, zero := ctExit.Apply(c.ctx, p, 0)
	_, three := ctExit.Apply(c.ctx, p, 3)
	_, thrown := ctThrow.Apply(c.ctx, p, 0)
	_, overflow := ctOverflow.Apply(c.ctx, p, 0)
	_, hangUp := ctHangUp.Apply(c.ctx, p, 0)
	for _, tc := range []struct {
		name  string
		err   error
		cause procpool.Cause
		sig   syscall.Signal
		code  int
	}{
		{"exit 0", zero, procpool.CauseExited, 0, 0},
		{"exit 3", three, procpool.CauseExited, 0, 3},
		{"panic", thrown, procpool.CauseCrashed, 0, 2},
		{"stack overflow", overflow, procpool.CauseCrashed, 0, 2},
		{"SEGV", sig(syscall.SIGSEGV), procpool.CauseCrashed, syscall.SIGSEGV, 2},
		{"ABRT", sig(syscall.SIGABRT), procpool.CauseCrashed, syscall.SIGABRT, 2},
		{"KILL", sig(syscall.SIGKILL), procpool.CauseKilledOutside, syscall.SIGKILL, -1},
		{"TERM", sig(syscall.SIGTERM), procpool.CauseKilledOutside, syscall.SIGTERM, -1},
		{"closed its channel", hangUp, procpool.CauseProtocol, anySignal, -1},
	} {
		e, ok := errors.AsType[*procpool.WorkerError](tc.err)
		if !ok {
			t.Errorf("%s: %T %v", tc.name, tc.err, tc.err)
			continue
		}
		if e.Cause != tc.cause || (e.Signal != tc.sig && tc.sig != anySignal) || e.ExitCode != tc.code || e.Attempt != 1 || e.PID == 0 || e.Worker == "" {
			t.Errorf("%s: %v, signal %d, exit code %d, %+v", tc.name, e.Cause, e.Signal, e.ExitCode, e)
		}
		if errors.Is(e, context.DeadlineExceeded) {
			t.Errorf("%s is a timeout", tc.name)
		}
	}
	c.usable(p)
	c.shut(p)
}

func TestWorkerErrorStderr(t *testing.T) {
	c := newContract(t)
	var errs output
	p := c.pool(procpool.Config{Processes: 1, Stderr: &errs})
	_, err := ctLastWords.Apply(c.ctx, p, "last\nwords")
	e := errorAs[*procpool.WorkerError](c, err)
	if e.Stderr != "last\nwords\n" || e.ExitCode != 7 {
		t.Errorf("%+v", e)
	}
	c.says(e, e.Task, e.Worker, fmt.Sprint(e.PID), "exit status 7", "last")
	_, err = ctLastWords.Apply(c.ctx, p, strings.Repeat("a line that is not the last one\n", 10000)+"the end")
	if e := errorAs[*procpool.WorkerError](c, err); !strings.HasSuffix(e.Stderr, "\nthe end\n") || !strings.HasPrefix(e.Stderr, "a line") || len(e.Stderr) > 64<<10 {
		t.Errorf("%d bytes: %.100q", len(e.Stderr), e.Stderr)
	}
	_, err = ctThrow.Apply(c.ctx, p, 0)
	if e := errorAs[*procpool.WorkerError](c, err); !strings.Contains(e.Stderr, "panic: on a goroutine of its own") {
		t.Errorf("%q", e.Stderr)
	}
	c.shut(p)
}

var ctAttempts = procpool.Define("contract.attempts", func(ctx context.Context, deaths int) (int, error) {
	task, _ := procpool.CurrentTask(ctx)
	if task.Attempt <= deaths {
		os.Exit(9)
	}
	return task.Attempt, nil
})

// Retries let a task whose worker died run again, each attempt in another worker; an error of its own is never retried.
func TestRetries(t *testing.T) {
	c := newContract(t)
	p := c.pool(procpool.Config{Processes: 2})
	two := ctAttempts.With(procpool.CallOptions{Retries: 2})
	if n, err := two.Apply(c.ctx, p, 2); n != 3 || err != nil {
		t.Error(n, err)
	}
	_, err := two.Apply(c.ctx, p, 3)
	if e := errorAs[*procpool.WorkerError](c, err); e.Attempt != 3 {
		t.Errorf("%+v", e)
	}
	_, err = ctAttempts.Apply(c.ctx, p, 1)
	if e := errorAs[*procpool.WorkerError](c, err); e.Attempt != 1 {
		t.Errorf("%+v", e)
	}
	out, err := two.Map(c.ctx, p, []int{0, 1, 2, 3})
	m := errorAs[*procpool.MapError](c, err)
	if fmt.Sprint(out) != "[1 2 3 0]" || len(m.Items) != 1 || m.Items[0].Index != 3 {
		t.Error(out, err)
	}
	before := p.Stats().Retried
	_, err = ctFail.With(procpool.CallOptions{Retries: 5}).Apply(c.ctx, p, "x")
	errorAs[*procpool.TaskError](c, err)
	if n := p.Stats().Retried - before; n != 0 {
		t.Errorf("an error was retried %d times", n)
	}
	c.shut(p)
}

func TestErrorTexts(t *testing.T) {
	item := &procpool.ItemError{Index: 3, Err: io.EOF}
	m := &procpool.MapError{Items: []*procpool.ItemError{item, {Index: 5, Err: fs.ErrExist}}, Total: 9}
	c := &contract{T: t}
	c.says(item, "item 3", "EOF")
	c.says(m, "2 of 9", "item 3", "EOF")
	for _, target := range []error{io.EOF, fs.ErrExist} {
		c.is(m, target)
	}
	c.is(&procpool.EncodeError{Err: io.EOF}, io.EOF)
	c.is(&procpool.StartError{Err: io.EOF}, io.EOF)
	if procpool.CauseCrashed.String() == "" || fmt.Sprint(procpool.CauseTimedOut) != procpool.CauseTimedOut.String() {
		t.Error("a Cause without String")
	}
}
