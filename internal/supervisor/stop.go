package supervisor

import (
	"errors"
	"time"

	"github.com/procpool/procpool/event"
	"github.com/procpool/procpool/internal/lifecycle"
	"github.com/procpool/procpool/internal/process"
	"github.com/procpool/procpool/internal/wire"
)

// Stopping climbs one ladder: stop frame, wait, SIGTERM, wait, SIGKILL of the process group. Where it begins depends on
// why: a planned exit begins with the frame, a task that does not stop and Terminate with SIGTERM, a worker that speaks
// nonsense with SIGKILL. The steps run on timers; the exit ends the climb.

// retire gives the worker no more tasks. What it has not started runs elsewhere, unless everything is to end anyway.
func (w *worker) retire(r event.Reason) {
	if w.link.q.Retire(&w.link.seat) {
		w.drained()
		return
	}
	if r != event.ReasonClosed && r != event.ReasonShrink {
		w.link.takeBack()
	}
}

// end kills a worker for a reason of the pool's.
func (w *worker) end(r event.Reason) {
	switch r {
	case event.ReasonTerminated:
		w.decide(event.CauseTerminated, "")
	case event.ReasonStartFailed:
		w.decide(event.CauseTimedOut, "")
	}
	w.terminate()
}

// leave begins the ladder with the frame.
func (w *worker) leave(event.Reason) {
	l := w.link
	grace := w.s.cfg.Grace
	l.mu.Lock()
	if !l.stopped && !l.ended {
		l.stopped = true
		l.sendStopLocked()
	}
	l.mu.Unlock()
	if grace < 0 {
		grace = leaveAfter
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.planned = true
	w.ageLocked(event.Stopping)
	w.climbLocked(grace, w.terminate)
}

// sendStopLocked sends the frame; where there is no channel yet, prime does once there is.
func (l *link) sendStopLocked() {
	if l.conn != nil {
		l.conn.Send(wire.AppendFrame(nil, wire.Header{Type: wire.Stop}, nil), nil)
	}
}

// terminate goes on with SIGTERM, now or as soon as there is a process.
func (w *worker) terminate() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ageLocked(event.Stopping)
	if w.proc != nil {
		w.proc.Terminate()
	} else {
		w.hard = true
	}
	w.climbLocked(killAfter, w.kill)
}

// kill ends with SIGKILL.
func (w *worker) kill() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ageLocked(event.Stopping)
	if w.proc != nil {
		w.proc.Kill()
	} else {
		w.hard = true
	}
}

// climbLocked sets the next step of the ladder. An earlier one is replaced: whoever comes later is more urgent.
func (w *worker) climbLocked(after time.Duration, step func()) {
	if w.state == event.Gone {
		return
	}
	if w.ladder != nil {
		w.ladder.Stop()
	}
	w.ladder = time.AfterFunc(after, step)
}

// doom ends the worker because of the task it runs.
func (w *worker) doom(cause event.Cause, detail string) { w.doomFor(cause, w.overrun(cause), detail) }

// overrun is the numbers of a task that is ended because it does not stop.
func (w *worker) overrun(cause event.Cause) (why event.Figures) {
	l := w.link
	l.mu.Lock()
	defer l.mu.Unlock()
	if cause != event.CauseTimedOut && cause != event.CauseCanceled || l.flight.len() == 0 || l.flight.at(0).Call == nil {
		return why
	}
	why.Run = w.s.cfg.Clock() - l.since
	if cause == event.CauseTimedOut {
		why.Timeout = w.s.timeout(l.flight.at(0).Call.Task)
	}
	return why
}

// doomFor is doom with the numbers that led to it.
func (w *worker) doomFor(cause event.Cause, why event.Figures, detail string) {
	if !w.decide(cause, detail) {
		return
	}
	w.s.post(lifecycle.Doom{ID: w.id, Reason: cause.Reason(), Figures: why})
	switch cause {
	case event.CauseTimedOut, event.CauseCanceled, event.CauseTerminated:
		w.terminate()
	default:
		w.kill()
	}
}

// decide records the pool's own cause for the worker's end; the first one counts.
func (w *worker) decide(cause event.Cause, detail string) (first bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.cause != event.CauseNone || w.state == event.Gone {
		return false
	}
	w.cause, w.detail = cause, detail
	return true
}

// misbehaved ends a worker that sent what it must not.
func (w *worker) misbehaved(err error) { w.doom(event.CauseProtocol, err.Error()) }

// silent handles a worker that closed its channel. Most often its process is ending, and tells the cause itself; a busy
// machine may take long over that. If the worker is being stopped, the ladder ends it.
func (w *worker) silent(looks int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if ageOf(w.state) < ageOf(event.Stopping) {
		w.climbLocked(silentAfter, func() { w.inspect(looks) })
	}
}

// inspect ends a silent worker that lives on: it has broken the protocol. A process gives up its memory before its
// descriptors, so one that has none is ending, most often; but one whose first thread has ended shows none while its others
// go on. So it is inspected again, as it is where nothing can be learned, so many times in all, and then ended.
func (w *worker) inspect(looks int) {
	held, err := process.Memory(w.who().PID)
	if held > 0 || errors.Is(err, errors.ErrUnsupported) || looks <= 1 {
		w.doom(event.CauseProtocol, "it closed its channel")
	} else {
		w.silent(looks - 1)
	}
}
