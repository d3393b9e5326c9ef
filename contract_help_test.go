//go:build unix

package procpool_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/procpool/procpool"
	"github.com/procpool/procpool/event"
	"github.com/procpool/procpool/pooltest"
)

// A worker built with the race detector would take a second to exit.
func init() { os.Setenv("GORACE", "atexit_sleep_ms=0") }

// patient bounds what takes no time if it works: these tests share their machine.
const patient = time.Minute

// contract is a test of the contract: it leaves nothing behind, and ends.
type contract struct {
	*testing.T
	ctx context.Context
}

func newContract(t *testing.T) *contract {
	t.Helper()
	pooltest.Check(t)
	ctx, cancel := context.WithTimeout(context.Background(), patient)
	t.Cleanup(cancel)
	return &contract{t, ctx}
}

// long gives the test more time: it is real work.
func (c *contract) long() {
	ctx, cancel := context.WithTimeout(context.Background(), 5*patient)
	c.Cleanup(cancel)
	c.ctx = ctx
}

// pool makes a pool that is terminated at the end of the test.
func (c *contract) pool(cfg procpool.Config) *procpool.Pool {
	c.Helper()
	p, err := procpool.New(cfg)
	if err != nil {
		c.Fatal(err)
	}
	c.Cleanup(p.Terminate)
	return p
}

// ready is pool that waits for its workers.
func (c *contract) ready(cfg procpool.Config) *procpool.Pool {
	c.Helper()
	p := c.pool(cfg)
	c.must(p.WaitReady(c.ctx))
	return p
}

// shut ends a pool in the normal way.
func (c *contract) shut(p *procpool.Pool) {
	c.Helper()
	c.must(p.Shutdown(c.ctx))
}

func (c *contract) must(err error) {
	c.Helper()
	if err != nil {
		c.Fatal(err)
	}
}

func (c *contract) is(err, target error) {
	c.Helper()
	if !errors.Is(err, target) {
		c.Fatalf("error is %v, want %v", err, target)
	}
}

// says checks that an error names the mistake and the remedy.
func (c *contract) says(err error, words ...string) {
	c.Helper()
	if err == nil {
		c.Fatalf("no error, want one that says %q", words)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			c.Errorf("error %q does not say %q", err, w)
		}
	}
}

// usable checks that a pool still runs tasks.
func (c *contract) usable(p *procpool.Pool) {
	c.Helper()
	if v, err := ctInc.Apply(c.ctx, p, 41); v != 42 || err != nil {
		c.Fatalf("afterwards inc(41) = %d, %v", v, err)
	}
}

// errorAs returns err as an E, or ends the test.
func errorAs[E error](c *contract, err error) E {
	c.Helper()
	e, ok := errors.AsType[E](err)
	if !ok {
		c.Fatalf("error is %T %v, want %T", err, err, e)
	}
	return e
}

// The tasks of these tests.
var (
	ctInc   = procpool.Define("contract.inc", func(_ context.Context, n int) (int, error) { return n + 1, nil })
	ctEcho  = procpool.Define("contract.echo", func(_ context.Context, b []byte) ([]byte, error) { return b, nil })
	ctFail  = procpool.Define("contract.fail", func(_ context.Context, s string) (int, error) { return 0, errors.New(s) })
	ctPanic = procpool.Define("contract.panic", func(_ context.Context, s string) (int, error) { panic(s) })
	ctExit  = procpool.Define("contract.exit", func(_ context.Context, code int) (int, error) {
		os.Exit(code)
		return 0, nil
	})
	ctSignal = procpool.Define("contract.signal", func(_ context.Context, sig int) (int, error) {
		syscall.Kill(os.Getpid(), syscall.Signal(sig))
		select {}
	})
	ctNap = procpool.Define("contract.nap", func(_ context.Context, d time.Duration) (int, error) {
		time.Sleep(d) // does not look at its context
		return os.Getpid(), nil
	})
	ctWho  = procpool.Define("contract.who", whoAmI)
	ctOdd  = procpool.Define("contract.odd", oddFails)
	ctGate = procpool.Define("contract.gate", passGate)
)

// who is what a task learns about itself.
type who struct {
	Task        procpool.TaskInfo
	Name        string
	PID, Nth    int
	OK          bool
	HasDeadline bool
	Left        time.Duration
	Value       any
}

type valueKey struct{}

func whoAmI(ctx context.Context, _ int) (who, error) {
	task, ok := procpool.CurrentTask(ctx)
	worker, ok2 := procpool.CurrentWorker(ctx)
	deadline, has := ctx.Deadline()
	return who{
		Task: task, Name: worker.Name, PID: worker.PID, Nth: worker.Tasks, OK: ok && ok2,
		HasDeadline: has, Left: time.Until(deadline), Value: ctx.Value(valueKey{}),
	}, nil
}

func oddFails(_ context.Context, n int) (int, error) {
	if n%2 == 1 {
		return 0, fmt.Errorf("%d is odd", n)
	}
	return 10 * n, nil
}

// gateIn is what a task at a gate is told.
type gateIn struct {
	Addr, Label string
	Deaf        bool // does not look at its context, nor at SIGTERM
}

// passGate tells the gate that it has come and waits until it is let through.
func passGate(ctx context.Context, in gateIn) (string, error) {
	conn, err := net.Dial("tcp", in.Addr)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if in.Deaf {
		signal.Ignore(syscall.SIGTERM)
	} else {
		defer context.AfterFunc(ctx, func() { conn.SetReadDeadline(time.Unix(1, 0)) })()
	}
	fmt.Fprintln(conn, in.Label)
	if _, err := io.Copy(io.Discard, conn); err != nil && ctx.Err() != nil {
		return "stopped", ctx.Err()
	}
	return in.Label, nil
}

// gate is where tasks wait until the test lets them through.
type gate struct {
	c  *contract
	ln *net.TCPListener
}

func (c *contract) gate() *gate {
	c.Helper()
	ln, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	c.must(err)
	c.Cleanup(func() { ln.Close() })
	return &gate{c, ln}
}

func (g *gate) in(label string) gateIn { return gateIn{Addr: g.ln.Addr().String(), Label: label} }

func (g *gate) deaf(label string) gateIn {
	in := g.in(label)
	in.Deaf = true
	return in
}

// nobody checks that no other task comes, as well as that can be seen.
func (g *gate) nobody() {
	g.c.Helper()
	g.ln.SetDeadline(time.Now().Add(100 * time.Millisecond))
	if conn, err := g.ln.Accept(); err == nil {
		conn.Close()
		g.c.Error("another task came to the gate")
	}
}

// visit is a task that has come to the gate.
type visit struct {
	g     *gate
	label string
	conn  net.Conn
}

// await waits for the next task to come.
func (g *gate) await() *visit {
	g.c.Helper()
	deadline, _ := g.c.ctx.Deadline()
	g.ln.SetDeadline(deadline)
	conn, err := g.ln.Accept()
	if err != nil {
		g.c.Fatalf("no task came to the gate: %v", err)
	}
	g.c.Cleanup(func() { conn.Close() })
	line, err := bufio.NewReader(conn).ReadString('\n')
	g.c.must(err)
	return &visit{g, strings.TrimSuffix(line, "\n"), conn}
}

// pass lets the task through.
func (v *visit) pass() { v.conn.Close() }

// gone waits until the task, or its process, is gone.
func (v *visit) gone() {
	v.g.c.Helper()
	deadline, _ := v.g.c.ctx.Deadline()
	v.conn.SetReadDeadline(deadline)
	if _, err := io.Copy(io.Discard, v.conn); errors.Is(err, os.ErrDeadlineExceeded) {
		v.g.c.Fatalf("%s is still there", v.label)
	}
}

// journal keeps events, and wakes who waits for one.
type journal struct {
	mu     sync.Mutex
	events []event.Event
	grown  chan struct{} // closed at the next event
}

func newJournal() *journal { return &journal{grown: make(chan struct{})} }

func (j *journal) add(e event.Event) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.events = append(j.events, e)
	close(j.grown)
	j.grown = make(chan struct{})
}

// await waits until n events of type E have come that match; match may be nil.
func await[E event.Event](c *contract, j *journal, n int, match func(E) bool) []E {
	c.Helper()
	for {
		j.mu.Lock()
		var found []E
		for _, e := range j.events {
			if e, ok := e.(E); ok && (match == nil || match(e)) {
				found = append(found, e)
			}
		}
		grown := j.grown
		j.mu.Unlock()
		if len(found) >= n {
			return found
		}
		select {
		case <-grown:
		case <-c.ctx.Done():
			c.Fatalf("only %d of %d events %T came", len(found), n, *new(E))
		}
	}
}

// output is a writer that can be read meanwhile.
type output struct {
	mu     sync.Mutex
	b      bytes.Buffer
	writes []string
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.writes = append(o.writes, string(p))
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// programs are what this test binary can be besides, each a process of its own: see contract.program.
var programs = map[string]func(args []string){}

const (
	programEnv  = "CONTRACT_PROGRAM"
	programArgs = "CONTRACT_ARGS"
)

// TestContractProgram is not a test but where such a process begins.
func TestContractProgram(t *testing.T) {
	run := programs[os.Getenv(programEnv)]
	if run == nil {
		t.Skip("run by other tests, as a process of its own")
	}
	dir := os.TempDir() // made by TestMain; this process may end before TestMain removes it
	//lint:ignore SA9007 TMPDIR is a directory of this test's own
	os.RemoveAll(dir)
	os.Setenv("TMPDIR", filepath.Dir(dir))
	run(strings.Split(os.Getenv(programArgs), "\n"))
	os.Exit(0)
}

// program is the command that runs one of programs.
func (c *contract) program(name string, args ...string) *exec.Cmd {
	return programCommand(c.ctx, name, args...)
}

func programCommand(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "/proc/self/exe", "-test.run=^TestContractProgram$")
	cmd.Env = append(os.Environ(), programEnv+"="+name, programArgs+"="+strings.Join(args, "\n"))
	cmd.Stderr = os.Stderr
	return cmd
}

// upTo yields 0 to n-1.
func upTo(n int) func(func(int) bool) {
	return func(yield func(int) bool) {
		for i := range n {
			if !yield(i) {
				return
			}
		}
	}
}

// numbers returns 0 to n-1.
func numbers(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}

var (
	ctPrint = procpool.Define("contract.print", func(_ context.Context, s string) (int, error) { return fmt.Println(s) })
	ctAny   = procpool.Define("contract.any", func(_ context.Context, v any) (string, error) { return fmt.Sprintf("%T", v), nil })
)

// ctLitter leaves a process behind that holds a connection to the gate.
var ctLitter = procpool.Define("contract.litter", func(_ context.Context, in gateIn) (int, error) {
	conn, err := net.Dial("tcp", in.Addr)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	fmt.Fprintln(conn, in.Label)
	f, err := conn.(*net.TCPConn).File()
	if err != nil {
		return 0, err
	}
	defer f.Close()
	cmd := exec.Command("sleep", "1000")
	cmd.ExtraFiles = []*os.File{f}
	return 0, cmd.Start()
})

func initialize(ctx context.Context, in initArg) (func(), error) {
	inited++
	switch {
	case in.Fail != "":
		return nil, errors.New(in.Fail)
	case in.Panic:
		panic("in the initializer")
	case in.Hang:
		time.Sleep(time.Hour)
	case in.Cleanup == "":
		return nil, nil
	}
	return func() { os.WriteFile(in.Path+"."+fmt.Sprint(os.Getpid()), []byte(in.Cleanup), 0o600) }, nil
}
