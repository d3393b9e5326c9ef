//go:build unix

package procpool_test

import (
	"math"
	"testing"
	"time"

	"github.com/procpool/procpool"
)

// Each mistake gives an error that names it and the remedy, and leaks nothing.
func TestBadConfig(t *testing.T) {
	c := newContract(t)
	for _, tc := range []struct {
		cfg   procpool.Config
		words []string
	}{
		{procpool.Config{Processes: -1}, []string{"Processes is -1", "use 0"}},
		{procpool.Config{MaxTasksPerChild: -3}, []string{"MaxTasksPerChild is -3", "use 0"}},
		{procpool.Config{Recycle: procpool.Recycle{Jitter: 1}}, []string{"Jitter is 1", "0 to below 1"}},
		{procpool.Config{Recycle: procpool.Recycle{Jitter: -0.1}}, []string{"Jitter is -0.1", "0 to below 1"}},
		{procpool.Config{Recycle: procpool.Recycle{Jitter: math.NaN()}}, []string{"Jitter is NaN"}},
		{procpool.Config{Recycle: procpool.Recycle{Age: -1}}, []string{"Age", "use 0"}},
		{procpool.Config{Queue: procpool.Queue{Limit: -1}}, []string{"Queue.Limit is -1", "use 0"}},
		{procpool.Config{Spares: -2}, []string{"Spares is -2", "-1 for none"}},
		{procpool.Config{StartTimeout: -1}, []string{"StartTimeout", "use 0"}},
		{procpool.Config{Restart: procpool.Restart{Backoff: -1}}, []string{"Backoff", "use 0"}},
		{procpool.Config{Processes: 1, Scale: procpool.Scale{Min: 3, Max: 2}}, []string{"Scale is 3 to 2", "Min ≤ Max"}},
		{procpool.Config{Processes: 9, Scale: procpool.Scale{Min: 1, Max: 2}}, []string{"Processes is 9", "1 to 2"}},
		{procpool.Config{StartMethod: procpool.Command("")}, []string{"Command", "path"}},
		{procpool.Config{StartMethod: procpool.Lines("")}, []string{"Lines", "path"}},
		{procpool.Config{Initializer: procpool.DeclareInitializer[any]("x").Bind(make(chan int))}, []string{`initializer "x"`, "chan"}},
		{procpool.Config{Processes: -1, MaxTasksPerChild: -1}, []string{"Processes", "MaxTasksPerChild"}}, // all at once
	} {
		p, err := procpool.New(tc.cfg)
		if p != nil {
			p.Terminate()
			t.Errorf("%q: a pool", tc.words)
		}
		c.says(err, tc.words...)
	}
}

func TestBadCallOptions(t *testing.T) {
	c := newContract(t)
	p := c.pool(procpool.Config{Processes: 1})
	for want, o := range map[string]procpool.CallOptions{"Retries is -1": {Retries: -1}, "Window is -1": {Window: -1}} {
		task := ctInc.With(o)
		_, err := task.Apply(c.ctx, p, 1)
		c.says(err, want, "use 0")
		_, err = task.Map(c.ctx, p, []int{1, 2})
		c.says(err, want, "use 0")
		n := 0
		for _, err := range task.IMap(c.ctx, p, upTo(3)) {
			c.says(err, want, "use 0")
			n++
		}
		if n != 1 {
			t.Errorf("IMap yielded %d times", n)
		}
	}
	c.usable(p)
	c.shut(p)
}

func TestBadValues(t *testing.T) {
	c := newContract(t)
	p := c.pool(procpool.Config{Processes: 1})
	_, err := ctAny.Apply(c.ctx, p, func() {})
	if e := errorAs[*procpool.EncodeError](c, err); e.Result {
		t.Error("the argument is not the result")
	}
	c.says(err, "argument of task contract.any", "func")
	c.usable(p)

	_, err = ctChan.Apply(c.ctx, p, 1)
	c.says(err, "result of task contract.chan", "chan")
	c.usable(p)

	_, err = procpool.Declare[int, string]("contract.inc").Apply(c.ctx, p, 1) // a result of the wrong type
	if e := errorAs[*procpool.EncodeError](c, err); !e.Result {
		t.Error("the result is not the argument")
	}
	c.says(err, "result of task contract.inc", "string")
	c.usable(p)

	_, err = procpool.Declare[string, int]("contract.inc").Apply(c.ctx, p, "one") // an argument of the wrong type
	if e := errorAs[*procpool.EncodeError](c, err); e.Result {
		t.Error("the argument is not the result")
	}
	c.says(err, "argument of task contract.inc", "int")
	c.usable(p)

	_, err = procpool.Declare[int, int]("contract.nobody").Apply(c.ctx, p, 1)
	c.is(err, procpool.ErrUnknownTask)
	c.usable(p)

	c.is(p.Join(c.ctx), procpool.ErrRunning)
	c.says(p.Join(c.ctx), "running", "Close or Terminate first")
	c.usable(p)
	c.shut(p)
	_, err = ctInc.Apply(c.ctx, p, 1)
	c.is(err, procpool.ErrClosed)
	if s := p.Stats(); s.Started != 1 {
		t.Errorf("a mistake cost a worker: %+v", s)
	}
}

// Durations that make no sense are no trap either.
func TestOddDurations(t *testing.T) {
	c := newContract(t)
	p := c.pool(procpool.Config{Processes: 1, Grace: -1, TaskTimeout: -time.Second})
	c.usable(p)
	if v, err := ctInc.With(procpool.CallOptions{Timeout: math.MaxInt64}).Apply(c.ctx, p, 1); v != 2 || err != nil {
		t.Error(v, err)
	}
	c.shut(p)
}
