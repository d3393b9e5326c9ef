//go:build unix

package procpool_test

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/procpool/procpool"
	"github.com/procpool/procpool/event"
)

// A task that does not stop at its timeout shows where it is stuck, at once in the event, and at the end in its error.
func TestEventsDump(t *testing.T) {
	for name, m := range map[string]procpool.StartMethod{"spawn": procpool.Spawn(), "command": procpool.Command("/proc/self/exe")} {
		t.Run(name, func(t *testing.T) {
			c := newContract(t)
			for grace := time.Second; !eventsDump(c, m, grace); grace *= 4 { // the worker has as long to say it
				if grace > patient/6 {
					c.Fatal("it does not say where it is stuck while it is")
				}
			}
		})
	}
}

// eventsDump reports whether the worker has said where it is stuck before Grace was over, and that was told.
func eventsDump(c *contract, m procpool.StartMethod, grace time.Duration) bool {
	c.Helper()
	j := newJournal()
	p := c.ready(procpool.Config{Processes: 1, StartMethod: m, Grace: grace, OnEvent: j.add})
	defer c.shut(p)
	timeout := grace / 50 // by which it must have come to where it is stuck
	r := obStuck.With(procpool.CallOptions{Timeout: timeout}).ApplyAsync(c.ctx, p, 0)
	e := await[event.TaskTimedOut](c, j, 1, nil)[0]
	early := !r.Ready()
	if e.Task.ID != r.ID() || e.After != timeout {
		c.Errorf("got %+v", e)
	}
	_, err := r.Get(c.ctx)
	dead := errorAs[*procpool.WorkerError](c, err)
	if dead.Cause != procpool.CauseTimedOut || strings.Contains(dead.Error(), "goroutine") {
		c.Errorf("got %v", dead)
	}
	return early && strings.Contains(e.Dump, "obHere") && strings.Contains(dead.Stderr, "obHere")
}

var obLateExit = procpool.Define("observe.lateExit", func(ctx context.Context, in gateIn) (int, error) {
	passGate(context.WithoutCancel(ctx), in)
	os.Exit(4)
	return 0, nil
})

// A worker that was asked what it does, and then exits by itself, has not crashed.
func TestEventsDumpIsNoCrash(t *testing.T) {
	c := newContract(t)
	j := newJournal()
	g := c.gate()
	p := c.ready(procpool.Config{Processes: 1, Grace: patient, OnEvent: j.add})
	r := obLateExit.With(procpool.CallOptions{Timeout: 10 * time.Millisecond}).ApplyAsync(c.ctx, p, g.in("late"))
	late := g.await()
	if e := await[event.TaskTimedOut](c, j, 1, nil)[0]; e.Dump == "" {
		t.Error("there was no dump")
	}
	late.pass()
	_, err := r.Get(c.ctx)
	if dead := errorAs[*procpool.WorkerError](c, err); dead.Cause != procpool.CauseExited || dead.ExitCode != 4 {
		t.Errorf("got %v", err)
	}
	c.shut(p)
}
