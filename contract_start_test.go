//go:build unix

package procpool_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/procpool/procpool"
)

// A failing initializer: WaitReady tells as soon as the circuit opens, and so does what waits; then a probe may heal it.
func TestInitializerFails(t *testing.T) {
	for name, arg := range map[string]initArg{"error": {Fail: "no license"}, "panic": {Panic: true}} {
		t.Run(name, func(t *testing.T) {
			c := newContract(t)
			p := c.pool(procpool.Config{
				Processes: 2, Initializer: ctInit.Bind(arg), Stderr: io.Discard,
				Restart: procpool.Restart{MaxFailures: 2, Backoff: time.Millisecond, MaxBackoff: 10 * time.Millisecond},
			})
			waiting := ctInc.ApplyAsync(c.ctx, p, 1)
			err := p.WaitReady(c.ctx)
			e := errorAs[*procpool.StartError](c, err)
			word := "no license"
			if arg.Panic {
				word = "in the initializer"
			}
			c.says(e, "initialize", word, "in a row")
			if e.Attempts < 2 || p.Stats().Failing == nil {
				t.Errorf("%+v, failing: %v", e, p.Stats().Failing)
			}
			_, err = waiting.Get(c.ctx)
			errorAs[*procpool.StartError](c, err)
			_, err = ctInc.Apply(c.ctx, p, 1)
			errorAs[*procpool.StartError](c, err)
			p.Terminate()
			if s := p.Stats(); s.Started > 40 {
				t.Errorf("%d workers were started", s.Started)
			}
		})
	}
}

func TestInitializerUnknown(t *testing.T) {
	c := newContract(t)
	p := c.pool(procpool.Config{
		Processes: 1, Initializer: procpool.DeclareInitializer[int]("contract.nobody").Bind(1),
		Restart: procpool.Restart{MaxFailures: 1, Backoff: time.Millisecond},
	})
	err := p.WaitReady(c.ctx)
	errorAs[*procpool.StartError](c, err)
	c.says(err, "contract.nobody")
	p.Terminate()
}

// The initializer runs once in each worker, replacements too, before its first task; its cleanup before a planned exit.
func TestInitializerAndCleanup(t *testing.T) {
	c := newContract(t)
	path := t.TempDir() + "/bye"
	p := c.pool(procpool.Config{
		Processes: 2, MaxTasksPerChild: 2,
		Initializer: ctInit.Bind(initArg{Cleanup: "bye", Path: path}),
	})
	names := map[string]bool{}
	for range 8 {
		seen, err := ctSeen.Apply(c.ctx, p, 0)
		c.must(err)
		if seen[1] != "x" {
			t.Errorf("in %s the initializer ran %d times", seen[0], len(seen[1]))
		}
		names[seen[0]] = true
	}
	if len(names) < 4 {
		t.Errorf("tasks ran in %v", names)
	}
	c.shut(p)
	s := p.Stats()
	left, _ := filepath.Glob(path + ".*")
	if uint64(len(left)) < uint64(len(names)) || uint64(len(left)) > s.Started {
		t.Errorf("%d workers cleaned up, %d ran tasks, %d were started", len(left), len(names), s.Started)
	}
}

// A program that cannot be executed makes New fail at once, and what was started already is stopped.
func TestProgramCannotBeExecuted(t *testing.T) {
	c := newContract(t)
	text := t.TempDir() + "/text"
	c.must(os.WriteFile(text, []byte("just text"), 0o600))
	for path, target := range map[string]error{
		"/nobody/here":              fs.ErrNotExist,
		"nobody-has-such-a-program": nil,
		text:                        fs.ErrPermission,
	} {
		p, err := procpool.New(procpool.Config{Processes: 3, StartMethod: procpool.Command(path)})
		if p != nil {
			t.Fatal("a pool of", path)
		}
		e := errorAs[*procpool.StartError](c, err)
		c.says(e, path)
		if target != nil {
			c.is(e, target)
		}
	}
}

// When some of the first workers cannot be started, those that were are stopped.
func TestFirstStartsFailHalfWay(t *testing.T) {
	c := newContract(t)
	var old syscall.Rlimit
	c.must(syscall.Getrlimit(syscall.RLIMIT_NOFILE, &old))
	defer syscall.Setrlimit(syscall.RLIMIT_NOFILE, &old)
	highest, err := os.Open(os.DevNull)
	c.must(err)
	low := old
	low.Cur = uint64(highest.Fd()) + 40 // enough for a few workers
	c.must(syscall.Setrlimit(syscall.RLIMIT_NOFILE, &low))
	highest.Close()
	p, err := procpool.New(procpool.Config{Processes: 32})
	syscall.Setrlimit(syscall.RLIMIT_NOFILE, &old)
	if p != nil {
		p.Terminate()
		t.Fatal("a pool without descriptors")
	}
	e := errorAs[*procpool.StartError](c, err)
	c.is(e, syscall.EMFILE)
}

// A program that is no worker is found out; one that exits at once too.
func TestProgramIsNoWorker(t *testing.T) {
	for name, args := range map[string][]string{"exits": {"true"}, "says other things": {"echo", "hello"}} {
		t.Run(name, func(t *testing.T) {
			c := newContract(t)
			p := c.pool(procpool.Config{
				Processes: 1, StartMethod: procpool.Command(args[0], args[1:]...), StartTimeout: 5 * time.Second, Stdout: io.Discard,
				Restart: procpool.Restart{MaxFailures: 2, Backoff: time.Millisecond},
			})
			errorAs[*procpool.StartError](c, p.WaitReady(c.ctx))
			p.Terminate()
		})
	}
}

func TestStartTimeout(t *testing.T) {
	c := newContract(t)
	p := c.pool(procpool.Config{
		Processes: 1, StartTimeout: 200 * time.Millisecond, Initializer: ctInit.Bind(initArg{Hang: true}),
		Restart: procpool.Restart{MaxFailures: 1},
	})
	err := p.WaitReady(c.ctx)
	errorAs[*procpool.StartError](c, err)
	c.says(err, "not ready within 200ms")
	p.Terminate()
}

// Workers are named after their start method; a replacement gets the next number.
func TestWorkerNames(t *testing.T) {
	for prefix, m := range map[string]procpool.StartMethod{
		"SpawnPoolWorker":     {},
		"CommandPoolWorker":   procpool.Command(os.Args[0]),
		"GoroutinePoolWorker": procpool.Goroutines(),
	} {
		c := newContract(t)
		p := c.pool(procpool.Config{Processes: 1, MaxTasksPerChild: 1, StartMethod: m})
		seen := map[string]bool{}
		for range 3 {
			w, err := ctWho.Apply(c.ctx, p, 0)
			c.must(err)
			if !regexp.MustCompile("^"+prefix+`-[1-9]\d*$`).MatchString(w.Name) || seen[w.Name] {
				t.Errorf("name %s", w.Name)
			}
			seen[w.Name] = true
		}
		c.shut(p)
	}
}

func TestGoroutines(t *testing.T) {
	c := newContract(t)
	p := c.ready(procpool.Config{Processes: 2, StartMethod: procpool.Goroutines(), Grace: 10 * time.Millisecond})
	if w, err := ctWho.Apply(c.ctx, p, 0); err != nil || w.PID != os.Getpid() {
		t.Errorf("%+v, %v", w, err)
	}
	_, err := ctAny.Apply(c.ctx, p, make(chan int)) // encoded as elsewhere
	errorAs[*procpool.EncodeError](c, err)
	ctx, cancel := context.WithCancel(c.ctx)
	g := c.gate()
	in := g.deaf("deaf")
	r := ctPatient.ApplyAsync(ctx, p, in)
	v := g.await()
	cancel()
	if _, err := r.Get(c.ctx); err != context.Canceled {
		t.Error(err)
	}
	r = ctPatient.With(procpool.CallOptions{Timeout: time.Millisecond}).ApplyAsync(c.ctx, p, in)
	v2 := g.await()
	_, err = r.Get(c.ctx) // resolves after Grace, and the goroutine is abandoned
	if e := errorAs[*procpool.WorkerError](c, err); e.Cause != procpool.CauseTimedOut || !errors.Is(e, context.DeadlineExceeded) {
		t.Errorf("%+v", e)
	}
	c.usable(p)
	c.shut(p)
	v.pass()
	v2.pass()

	for _, r := range []procpool.Recycle{{Memory: 1}, {Growth: 1}, {HardMemory: 1}} {
		_, err := procpool.New(procpool.Config{StartMethod: procpool.Goroutines(), Recycle: r})
		c.says(err, "Memory", "processes", "Spawn")
	}
}

// ctPatient is a gate that ignores its context but leaves the process's signals alone.
var ctPatient = procpool.Define("contract.patient", func(_ context.Context, in gateIn) (string, error) {
	in.Deaf = false
	return passGate(context.Background(), in)
})

// Writers of Config get serialised calls, and stderr what tasks write there.
func TestStderrGoesWhereItIsTold(t *testing.T) {
	c := newContract(t)
	var out, errs output
	p := c.pool(procpool.Config{Processes: 1, Stdout: &out, Stderr: &errs})
	_, err := ctLastWords.Apply(c.ctx, p, "to stderr")
	errorAs[*procpool.WorkerError](c, err)
	_, err = ctPrint.Apply(c.ctx, p, "to stdout")
	c.must(err)
	c.shut(p)
	if !strings.HasPrefix(errs.String(), "to stderr\n") || out.String() != "to stdout\n" {
		t.Errorf("%q, %q", errs.String(), out.String())
	}
}
