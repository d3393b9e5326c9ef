package supervisor

import (
	"fmt"
	"math"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/procpool/procpool/event"
	"github.com/procpool/procpool/internal/lifecycle"
	"github.com/procpool/procpool/internal/process"
	"github.com/procpool/procpool/internal/queue"
)

// live is the whole life of a worker. Started by the supervisor, which waits for it; ends when the process is reaped and
// everything that belonged to it is resolved or back in the queue.
//
// It starts one reader, which ends at link.end, and waits for it; and one outlet for each output: see print.
func (w *worker) live(open bool) {
	var group sync.WaitGroup
	group.Go(w.link.read)
	if open {
		w.link.open(true)
	}
	w.s.launches <- struct{}{}
	proc, err := w.s.cfg.Launch(w.name, w.prime)
	<-w.s.launches
	w.s.count.add(w.launchFault(err))
	if err != nil {
		w.link.duty.give()
		w.link.end()
		w.gone()
		group.Wait()
		w.link.close()
		w.s.post(lifecycle.SpawnFailed{ID: w.id, Err: w.launchFault(err)})
		return
	}
	stdout, stderr := proc.Output()
	printed := w.print(stdout, stderr)
	w.spawned(proc)
	status := proc.Wait()
	for _, f := range []*os.File{stdout, stderr} {
		if f != nil {
			f.SetReadDeadline(time.Unix(1, 0)) // no more waiting; an outlet that is done has closed it
		}
	}
	lost := w.link.end()
	group.Wait()
	select {
	case <-printed:
	case <-time.After(printMost):
	}
	w.bury(status, lost)
	w.link.close()
}

// printMost is how long an exit waits for the outlets, so that its error has the last lines. They wait for nobody but the
// writer of Config.Stdout and Stderr; if he takes his time, that is Join's business, and no task's.
const printMost = 100 * time.Millisecond

// print carries what the worker prints. It starts one outlet for each output, which ends when told that the process is
// gone. The channel is closed when everything is written; Supervisor.Written waits for that.
func (w *worker) print(stdout, stderr *os.File) (printed <-chan struct{}) {
	done := make(chan struct{})
	left := new(atomic.Int32)
	left.Store(1) // until all are started
	end := func() {
		if left.Add(-1) == 0 {
			close(done)
		}
	}
	drain := func(o *outlet, f *os.File, t *tail) {
		if f != nil {
			left.Add(1)
			w.s.outlets.Go(func() {
				defer end()
				o.drain(f, t)
			})
		}
	}
	drain(w.s.stdout, stdout, nil)
	drain(w.s.stderr, stderr, &w.tail)
	end()
	return done
}

func (w *worker) launchFault(err error) error {
	if err == nil {
		return nil
	}
	return &StartFault{Attempts: 1, ExitCode: -1, Err: err}
}

// spawned takes in that the process runs.
func (w *worker) spawned(proc Process) {
	w.mu.Lock()
	w.proc = proc
	hard := w.hard
	if hard {
		proc.Kill()
	}
	w.mu.Unlock()
	w.tell(func(at event.At) event.Event { return event.WorkerSpawned{At: at, Worker: w.who()} })
	w.link.duty.give() // what the worker says is heard, and told, after it was spawned
	w.link.wake()
}

// end collects what the dead worker has published, and takes what it had not started back to the queue. It returns what
// it had started and not answered: one task at most.
func (l *link) end() (lost []queue.Entry) {
	feedAll(l.q.Leave(&l.seat)...)
	if l.conn == nil { // it was never launched
		close(l.over)
		return nil
	}
	l.conn.Interrupt()
	l.duty.take(nil) // kept: nobody collects from now on
	l.drain()
	l.mu.Lock()
	l.ended = true
	l.w.dump = l.guard.dump
	l.guard.disarmLocked()
	started := l.board.Started()
	first, unanswered := l.flight.first, l.flight.len() > 0
	back := l.flight.take(started, math.MaxUint64)
	lost = l.flight.take(0, math.MaxUint64)
	l.flight.empty()
	l.mu.Unlock()

	if unanswered && started > first {
		l.w.decide(event.CauseProtocol, fmt.Sprintf("its board says that it started call %d, but call %d was not answered", started, first))
	}
	l.takers.Wait() // they use the board; and the machine counts on it that what they hold is back in the queue
	l.w.crash = l.board.CrashText()
	close(l.over)
	l.giveUp(back)
	return lost
}

// close releases the channel of a worker that has ended, which nobody uses any more. To unmap it takes longer than all else
// there is to do at a death, so whoever waits for a task is told first.
func (l *link) close() {
	if l.conn != nil {
		l.conn.Close()
		l.board.Close()
	}
}

// giveUp returns tasks that had not started to the queue.
func (l *link) giveUp(back []queue.Entry) {
	if len(back) == 0 {
		return
	}
	owners, _ := l.q.Requeue(&l.seat, back, false, l.w.tellBack)
	feedAll(owners...)
	l.w.s.demand()
}

// drainMost bounds what is read from a dead worker's channel: a descendant that got away could write for ever.
const drainMost = 4 << 30

// drain takes in what the worker had published before it died.
func (l *link) drain() {
	defer l.Reclaim()
	for total := 0; total < drainMost; {
		n, err := l.conn.TryRecv(l.Lend())
		if n > 0 {
			if e := l.collect(n); e != nil {
				err = e
			}
		}
		if wrong(err) {
			l.w.decide(event.CauseProtocol, err.Error())
		}
		if n == 0 || err != nil {
			return
		}
		total += n
	}
}

// gone ends the worker's timers and marks it gone.
func (w *worker) gone() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ageLocked(event.Gone)
	if w.ladder != nil {
		w.ladder.Stop()
	}
}

// bury resolves what the worker took with it and tells how it ended.
func (w *worker) bury(st process.Status, lost []queue.Entry) {
	w.gone()
	cause, signal, detail := w.diagnose(st)
	died := &queue.Died{
		PID: w.proc.PID(), ExitCode: st.ExitCode, Signal: signal, Cause: cause, Detail: detail, Stderr: w.stderr(),
	}
	if cause == event.CauseTimedOut {
		died.Dump = w.dump
	}
	started := int(w.link.ran.Load()) + len(lost)
	w.mourn(lost, died)
	if len(lost) > 0 {
		runtime.Gosched() // whoever waited goes on first: the start of a successor would take his processor
	}
	w.obituary = event.WorkerExited{
		At: event.At{Time: time.Now()}, Worker: w.who(), Cause: cause, ExitCode: st.ExitCode, Signal: signal,
		Tasks: started, Lived: time.Since(w.born), Stderr: died.Stderr,
	}
	if st.OOMKills > 0 && cause == event.CauseOutOfMemory {
		w.obituary.Why = event.Figures{Memory: st.MaxRSS, Bytes: w.s.cfg.HardMemory}
	}
	in := lifecycle.Exited{ID: w.id, Started: started, UnderTask: len(lost) > 0, Cause: cause}
	if !w.isReady() || started == 0 {
		in.Err = w.startFault(st, died)
	}
	w.s.post(in)
}

// mourn resolves what had started, or runs it again where that is allowed.
func (w *worker) mourn(lost []queue.Entry, died *queue.Died) {
	var again []queue.Entry
	var d queue.Settled
	for i := range lost {
		e := &lost[i]
		turn := w.link.lastTurn()
		s := turn.span(0, e)
		d.Run += s.run
		w.link.addWorked(s.run)
		if int(e.Attempt) <= e.Call.Task.Retries && retriable(died.Cause) {
			again = append(again, *e)
			continue
		}
		w.link.resolve(&queue.Run{Entry: *e, To: e.Item + 1}, []queue.Outcome{{Err: died}}, &d, turn, 0)
	}
	feedAll(w.link.settle(d)...)
	if len(again) > 0 {
		owners, _ := w.link.q.Requeue(&w.link.seat, again, true, w.tellAgain(died))
		feedAll(owners...)
		w.s.demand()
	}
}

func retriable(c event.Cause) bool {
	switch c {
	case event.CauseCrashed, event.CauseExited, event.CauseKilledOutside, event.CauseOutOfMemory, event.CauseProtocol:
		return true
	case event.CauseNone, event.CauseTimedOut, event.CauseCanceled, event.CauseTerminated:
	}
	return false
}

// startFault tells why the worker never came to run a task.
func (w *worker) startFault(st process.Status, died *queue.Died) error {
	w.mu.Lock()
	err, ready, born := w.fault, w.ready.Load(), w.born
	w.mu.Unlock()
	switch {
	case err != nil:
	case died.Detail != "":
		err = fmt.Errorf("%s: %s", died.Cause, died.Detail)
	case ready:
		err = fmt.Errorf("it ended before its first task: %s", howEnded(st))
	default:
		err = fmt.Errorf("it ended before it was ready, after %v: %s", time.Since(born).Round(time.Millisecond), howEnded(st))
	}
	return &StartFault{ExitCode: st.ExitCode, Signal: int(st.Signal), Stderr: died.Stderr, Err: err}
}

func howEnded(st process.Status) string {
	if st.Signal != 0 {
		return "signal: " + st.Signal.String()
	}
	return fmt.Sprintf("exit status %d", st.ExitCode)
}

// stderr returns the last lines the worker wrote, and before them what its runtime wrote about its end, if that is not
// among them.
func (w *worker) stderr() string {
	text := w.tail.String()
	if text == "" {
		return strings.ToValidUTF8(string(w.crash), "?") // a worker may have written anything there
	}
	return text
}
