//go:build unix

package procpool_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/procpool/procpool"
)

var (
	ctAdd  = procpool.Define2("contract.add", func(_ context.Context, a, b int) (int, error) { return a + b, nil })
	ctJoin = procpool.Define3("contract.join", func(_ context.Context, a string, n int, f float64) (string, error) {
		return fmt.Sprint(a, n, f), nil
	})

	// What Define said to mistakes that were made where it is to be called.
	saidToDuplicate = panicOf(func() { procpool.Define("contract.inc", oddFails) }, ctInc.Name())
	saidToEmpty     = panicOf(func() { procpool.Define("", oddFails) }, "")
	saidToSecond    = panicOf(func() { defineInit("contract.init"); defineInit("contract.init") }, "")
	saidToError     = panicOf(func() { procpool.RegisterError("io.EOF", context.Canceled) }, "")
)

func defineInit(name string) {
	procpool.DefineInitializer(name, func(context.Context, int) (func(), error) { return nil, nil })
}

// panicOf returns what f panicked with. It runs after what made the string.
func panicOf(f func(), _ string) (text string) {
	defer func() { text = fmt.Sprint(recover()) }()
	f()
	return ""
}

func TestDefineMistakes(t *testing.T) {
	late := panicOf(func() { procpool.Define("contract.late", oddFails) }, "")
	lateInit := panicOf(func() { defineInit("contract.late") }, "")
	c := &contract{T: t}
	for text, words := range map[string][]string{
		saidToDuplicate: {`task "contract.inc"`, "twice", "a name of its own"},
		saidToEmpty:     {"task without a name", "give each one a name"},
		saidToSecond:    {`initializer "contract.init"`, "twice"},
		saidToError:     {`error "io.EOF"`, "twice", "a name of its own"},
		late:            {`"contract.late"`, "after WorkerMain", "package-level variable"},
		lateInit:        {`initializer "contract.late"`, "after WorkerMain"},
	} {
		c.says(fmt.Errorf("%s", text), words...)
	}
}

func TestDefineSeveralArguments(t *testing.T) {
	c := newContract(t)
	p := c.pool(procpool.Config{Processes: 2})
	if v, err := ctAdd.Apply(c.ctx, p, procpool.Two(2, 3)); v != 5 || err != nil {
		t.Error(v, err)
	}
	if v, err := ctJoin.Apply(c.ctx, p, procpool.Three("a", 1, 2.5)); v != "a1 2.5" || err != nil {
		t.Errorf("%q, %v", v, err)
	}
	sums, err := ctAdd.Map(c.ctx, p, []procpool.Args2[int, int]{{A: 1, B: 2}, procpool.Two(3, 4)})
	if !slices.Equal(sums, []int{3, 7}) || err != nil {
		t.Error(sums, err)
	}
	c.shut(p)
}

func TestDeclareAnyTime(t *testing.T) {
	c := newContract(t)
	p := c.pool(procpool.Config{Processes: 1})
	for range 2 {
		inc := procpool.Declare[int, int]("contract.inc")
		if v, err := inc.Apply(c.ctx, p, 1); v != 2 || err != nil || inc.Name() != "contract.inc" {
			t.Error(v, err, inc.Name())
		}
	}
	c.shut(p)
}

// With gives a copy exactly its options: those of an earlier With do not stay, and the original has none.
func TestWithIsACopy(t *testing.T) {
	c := newContract(t)
	p := c.pool(procpool.Config{Processes: 1})
	tagged := ctWho.With(procpool.CallOptions{Metadata: map[string]string{"k": "v"}, Timeout: patient})
	plain := tagged.With(procpool.CallOptions{Priority: 1})
	for _, tc := range []struct {
		task procpool.Task[int, who]
		meta string
		has  bool
	}{{tagged, "v", true}, {plain, "", false}, {ctWho, "", false}} {
		w, err := tc.task.Apply(c.ctx, p, 0)
		c.must(err)
		if w.Task.Metadata["k"] != tc.meta {
			t.Errorf("metadata %v, want %q", w.Task.Metadata, tc.meta)
		}
	}
	c.shut(p)
}

func TestCurrent(t *testing.T) {
	c := newContract(t)
	p := c.pool(procpool.Config{Processes: 1})
	for n := 1; n <= 3; n++ {
		r := ctWho.With(procpool.CallOptions{Metadata: map[string]string{"n": fmt.Sprint(n)}}).ApplyAsync(c.ctx, p, 0)
		w, err := r.Get(c.ctx)
		c.must(err)
		info := p.Workers()[0]
		want := procpool.TaskInfo{ID: r.ID(), Name: "contract.who", Attempt: 1}
		if !w.OK || w.Task.ID != want.ID || w.Task.Name != want.Name || w.Task.Attempt != 1 || w.Task.Metadata["n"] != fmt.Sprint(n) {
			t.Errorf("CurrentTask: %+v, want %+v", w.Task, want)
		}
		if w.Name != info.Name || w.PID != info.PID || w.Nth != n {
			t.Errorf("CurrentWorker: %s %d %d, want %s %d %d", w.Name, w.PID, w.Nth, info.Name, info.PID, n)
		}
	}
	if _, ok := procpool.CurrentTask(c.ctx); ok {
		t.Error("the test is a task")
	}
	if _, ok := procpool.CurrentWorker(c.ctx); ok {
		t.Error("the test is a worker")
	}
	procpool.RetireWorker(c.ctx) // does nothing
	c.shut(p)
}

var ctRetire = procpool.Define("contract.retire", func(ctx context.Context, leave bool) (string, error) {
	w, _ := procpool.CurrentWorker(ctx)
	if leave {
		procpool.RetireWorker(ctx)
	}
	return w.Name, nil
})

func TestRetireWorker(t *testing.T) {
	c := newContract(t)
	p := c.ready(procpool.Config{Processes: 1})
	var names []string
	for _, leave := range []bool{false, true, false} {
		name, err := ctRetire.Apply(c.ctx, p, leave)
		c.must(err)
		names = append(names, name)
		if leave { // replaced after this task: once a successor is ready
			c.must(p.Recycle(c.ctx))
		}
	}
	if names[0] != names[1] || names[1] == names[2] {
		t.Error(names)
	}
	c.shut(p)
	if n := p.Stats().Exits[procpool.ReasonAsked]; n != 1 {
		t.Errorf("%d workers left because they were asked, want 1: %v", n, p.Stats().Exits)
	}
}
