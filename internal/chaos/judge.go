//go:build unix

package main

import (
	"context"
	"errors"
	"syscall"

	"github.com/procpool/procpool"
)

// judge takes in what a task's submitter got.
func (l *ledger) judge(c *chunk, i int, d done, err error) {
	id := c.first + i
	cl, attempt := l.classify(c, i, d, err)
	if c.options.Retries == 0 && attempt > 1 || attempt > c.options.Retries+1 {
		l.fault("task %d ran %d times, with %d retries", id, attempt, c.options.Retries)
	}
	l.answer(id, cl, attempt)
}

// classify says how a task ended, and which attempt that was, where the answer tells.
func (l *ledger) classify(c *chunk, i int, d done, err error) (cl class, attempt int) {
	var task *procpool.TaskError
	var worker *procpool.WorkerError
	var start *procpool.StartError
	j := &c.jobs[i]
	switch {
	case err == nil:
		l.checkAnswer(j, &d)
		return succeeded, d.Attempt
	case errors.As(err, &task):
		l.checkTaskError(c, j, task)
		return failed, 0
	case errors.As(err, &worker):
		l.checkWorkerError(c, j, worker)
		return lost, worker.Attempt
	case errors.As(err, &start):
		if l.plan.config.Restart.MaxFailures < 0 {
			l.fault("task %d failed with a start error, and the pool was to try for ever: %v", j.ID, err)
		}
		return notStarted, 0
	case errors.Is(err, procpool.ErrTerminated):
		if l.plan.ending != endTerminate && l.plan.ending != endShutdown {
			l.fault("task %d was terminated, and nobody did that", j.ID)
		}
		return terminated, 0
	case err == procpool.ErrClosed, err == procpool.ErrQueueFull:
		return refused, 0
	case err == context.Canceled:
		if c.cancel == 0 && c.breakAt < 0 {
			l.fault("task %d was canceled, and nobody did that", j.ID)
		}
		return canceled, 0
	}
	l.fault("task %d, which was to %s, failed with %T %v", j.ID, actNames[j.Act], err, err)
	return failed, 0
}

func (l *ledger) checkAnswer(j *job, d *done) {
	switch {
	case d.ID != j.ID || d.Sum != checksum(j.ID, j.Pad):
		l.fault("task %d has the answer of task %d, or a wrong one: %x", j.ID, d.ID, d.Sum)
	case j.Act == actBig && len(d.Pad) != j.Arg:
		l.fault("task %d answered %d bytes, not %d", j.ID, len(d.Pad), j.Arg)
	case l.plan.config.MaxTasksPerChild > 0 && d.Nth > l.plan.config.MaxTasksPerChild:
		l.fault("task %d was the %dth of its worker, over the limit", j.ID, d.Nth)
	case j.Act == actError, j.Act == actPanic, j.Act == actGoexit, j.Act == actHang, j.Act.deadly():
		l.fault("task %d succeeded, though it was to %s", j.ID, actNames[j.Act])
	}
}

func (l *ledger) checkTaskError(c *chunk, j *job, e *procpool.TaskError) {
	switch {
	case j.Act == actError && errors.Is(e, errPlanned):
	case j.Act == actPanic && e.Panic:
	case j.Act == actGoexit:
	case j.Act == actHang && (errors.Is(e, context.DeadlineExceeded) || errors.Is(e, context.Canceled)):
	default:
		l.fault("task %d, which was to %s, failed with %v", j.ID, actNames[j.Act], e)
	}
}

// causes are what a worker dies of by a task's own act.
var causes = map[act]procpool.Cause{
	actExit: procpool.CauseExited, actKill: procpool.CauseKilledOutside,
	actFault: procpool.CauseCrashed, actCrash: procpool.CauseCrashed,
}

func (l *ledger) checkWorkerError(c *chunk, j *job, e *procpool.WorkerError) {
	l.died(e.Worker, int(j.ID))
	struck := l.wasStruck(e.Worker)
	switch e.Cause {
	case procpool.CauseTimedOut:
		if !c.timed {
			l.fault("task %d timed out, and had no timeout", j.ID)
		}
		return
	case procpool.CauseKilledOutside, procpool.CauseCrashed, procpool.CauseExited:
		if !struck && causes[j.Act] != e.Cause {
			l.fault("task %d, which was to %s, lost its worker unprovoked: %v", j.ID, actNames[j.Act], e)
		}
	default:
		l.fault("task %d, which was to %s, lost its worker by %v: %v\n%s", j.ID, actNames[j.Act], e.Cause, e, e.Stderr)
	}
	if e.Attempt != c.options.Retries+1 {
		l.fault("task %d failed in attempt %d of %d: %v", j.ID, e.Attempt, c.options.Retries+1, e)
	}
	if j.Act == actExit && !struck && e.Cause == procpool.CauseExited && e.ExitCode != j.Arg {
		l.fault("task %d exited with %d, told is %d", j.ID, j.Arg, e.ExitCode)
	}
	if j.Act == actFault && !struck && e.Signal != syscall.SIGSEGV {
		l.fault("task %d ended by a segmentation fault, told is %v", j.ID, e)
	}
}
