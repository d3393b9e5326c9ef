package supervisor

import (
	"context"
	"time"

	"github.com/procpool/procpool/event"
	"github.com/procpool/procpool/internal/queue"
)

// Events go through one mailbox. So the order in which they are put there is the order in which observers see them: each
// is told before what it announces can have consequences for the same task or the same worker.

// mostUntold is how many events wait at most for an observer that is slower than the pool: some 40 MB. Beyond that they
// are dropped and counted: an observer must not slow the pool down, nor fill its memory.
const mostUntold = 1 << 18

func lost(n uint64) event.Event {
	return event.Dropped{At: event.At{Time: time.Now()}, Count: n}
}

// Observed says that somebody observes from now on, or no longer.
func (s *Supervisor) Observed(on bool) { s.seen.Store(on) }

// Seen reports whether somebody observes: if not, events need not be made.
func (s *Supervisor) Seen() bool { return s.seen.Load() }

// Tell hands an event to the observers, if there are any.
func (s *Supervisor) Tell(e event.Event) { s.tell(e) }

func (s *Supervisor) tell(e event.Event) {
	if s.seen.Load() {
		s.told.Put(e)
	}
}

// tell hands an event to the observers, made only if there are any.
func (w *worker) tell(make func(event.At) event.Event) {
	if make != nil && w.s.seen.Load() {
		w.s.told.Put(make(event.At{Time: time.Now()}))
	}
}

// public gives an event of the machine the error that users know.
func (s *Supervisor) public(e event.Event) event.Event {
	switch e := e.(type) {
	case event.WorkerStartFailed:
		e.Err = s.cfg.StartFailure(faultOf(e.Err, e.Row))
		return e
	case event.CircuitOpened:
		e.Err = s.Failing() // set by the action before
		return e
	}
	return e
}

func taskOf(e *queue.Entry) event.Task {
	return event.Task{ID: e.ID(), Name: e.Call.Task.Name, Attempt: int(e.Attempt), Metadata: e.Call.Task.Labels}
}

func startedEvent(w *worker, e *queue.Entry, at time.Duration) func(event.At) event.Event {
	if !w.s.Seen() {
		return nil
	}
	return func(now event.At) event.Event {
		return event.TaskStarted{At: now, Task: taskOf(e), Worker: w.who(), Wait: at - e.Call.Accepted}
	}
}

func finishedEvent(w *worker, e *queue.Entry, o *queue.Outcome, s span) func(event.At) event.Event {
	if !w.s.Seen() {
		return nil
	}
	return func(at event.At) event.Event {
		return event.TaskFinished{At: at, Task: taskOf(e), Worker: w.who(), Err: o.Err, Wait: s.wait, Run: s.run}
	}
}

func canceledEvent(w *worker, e *queue.Entry) func(event.At) event.Event {
	if !w.s.Seen() {
		return nil
	}
	return func(at event.At) event.Event {
		err := w.s.cfg.Queue.Refusal()
		if !w.s.cfg.Queue.Drops() {
			err = CanceledBy(e.Call, at.Time)
		}
		return event.TaskCanceled{
			At: at, Task: taskOf(e), Worker: w.who(), Err: err, Wait: e.Taken - e.Call.Accepted, Run: w.s.cfg.Clock() - e.Taken,
		}
	}
}

// CanceledBy returns why a call was canceled: its deadline has passed, or somebody did it.
func CanceledBy(c *queue.Call, now time.Time) error {
	if c.Deadline != 0 && now.UnixNano() >= c.Deadline {
		return context.DeadlineExceeded
	}
	return context.Canceled
}

// tellBack tells that an entry which had not started goes back to the queue, or is dropped. It is called under Queue.mu.
func (w *worker) tellBack(e *queue.Entry, back bool, err error) {
	w.tell(func(at event.At) event.Event {
		if !back {
			return leftEvent(w, e, at, err)
		}
		return event.TaskRequeued{At: at, Task: taskOf(e), Worker: w.who()}
	})
}

// tellAgain does so for entries that had started when the worker died.
func (w *worker) tellAgain(died *queue.Died) func(e *queue.Entry, back bool, err error) {
	w.link.mu.Lock() // now, and not under Queue.mu
	since := w.link.since
	w.link.mu.Unlock()
	now := w.s.cfg.Clock()
	return func(e *queue.Entry, back bool, err error) {
		w.tell(func(at event.At) event.Event {
			if !back {
				return leftEvent(w, e, at, err)
			}
			o := &queue.Outcome{Err: died, Worker: w.name, Attempt: int(e.Attempt)}
			return event.TaskRetried{
				At: at, Task: taskOf(e), Worker: w.who(), Err: w.s.cfg.Failure(e.Call.Task.Name, o), Run: now - max(e.Taken, since),
			}
		})
	}
}

// leftEvent is the last event of a task that will not run again.
func leftEvent(w *worker, e *queue.Entry, at event.At, err error) event.Event {
	waited := w.s.cfg.Clock() - e.Call.Accepted
	if err != nil {
		return event.TaskFinished{At: at, Task: taskOf(e), Worker: w.who(), Err: err, Wait: waited}
	}
	return event.TaskCanceled{At: at, Task: taskOf(e), Worker: w.who(), Err: CanceledBy(e.Call, at.Time), Wait: waited}
}
