package supervisor

import (
	"cmp"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/procpool/procpool/event"
	"github.com/procpool/procpool/internal/histogram"
	"github.com/procpool/procpool/internal/queue"
)

// span is how long a task waited, and how long it ran.
type span struct{ wait, run time.Duration }

// turns shares the time since the last answer among the tasks that are answered together: a worker runs one after the
// other, and tells when it is done, not when it begins.
type turns struct{ since, each time.Duration }

func (t turns) span(i int, e *queue.Entry) span {
	begun := max(e.Taken, t.since+time.Duration(i)*t.each)
	ended := t.since + time.Duration(i+1)*t.each
	return span{wait: begun - e.Call.Accepted, run: max(ended-begun, 0)}
}

// lastTurn is that of the task with which the worker died.
func (l *link) lastTurn() turns {
	l.mu.Lock()
	defer l.mu.Unlock()
	return turns{since: l.since, each: l.w.s.cfg.Clock() - l.since}
}

// mostSlow is how many of the slowest tasks are kept.
const mostSlow = 5

// SlowTask is one of the tasks that ran longest.
type SlowTask struct {
	ID        uint64
	Task      string
	Worker    string
	Wait, Run time.Duration
}

// tally keeps how long tasks took. Its lock is a leaf.
type tally struct {
	mu sync.Mutex
	Tally
}

// Tally is how long tasks took.
type Tally struct {
	Wait, Run histogram.Histogram
	Slowest   []SlowTask // slowest first
}

// add counts the items of a run whose outcomes were used.
func (t *tally) add(r *queue.Run, all []queue.Outcome, turns turns, at int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range all {
		if all[i].Unused {
			continue
		}
		s := turns.span(at+i, &r.Entry)
		t.Wait.Add(s.wait)
		t.Run.Add(s.run)
		if len(t.Slowest) < mostSlow || t.Slowest[mostSlow-1].Run < s.run {
			t.insert(SlowTask{r.ID() + uint64(i), r.Call.Task.Name, all[i].Worker, s.wait, s.run})
		}
	}
}

func (t *Tally) insert(s SlowTask) {
	at, _ := slices.BinarySearchFunc(t.Slowest, s, func(a, b SlowTask) int { return cmp.Compare(b.Run, a.Run) })
	t.Slowest = slices.Insert(t.Slowest, at, s)
	t.Slowest = t.Slowest[:min(len(t.Slowest), mostSlow)]
}

// mergeInto adds what t has counted to sum.
func (t *tally) mergeInto(sum *Tally) {
	t.mu.Lock()
	defer t.mu.Unlock()
	sum.merge(&t.Tally)
}

func (t *Tally) merge(o *Tally) {
	t.Wait.Merge(&o.Wait)
	t.Run.Merge(&o.Run)
	for _, s := range o.Slowest {
		t.insert(s)
	}
}

// ages are when a worker came to its states. They are guarded by worker.mu.
type ages struct{ hello, ready, stopping, gone time.Time }

func (a *ages) note(s event.State) {
	switch s {
	case event.Stopping:
		a.stopping = time.Now()
	case event.Gone:
		a.gone = time.Now()
	case event.Starting, event.Ready, event.Draining:
	}
}

// Times is what workers did with their time. What is left of Lived is waiting for tasks.
type Times struct{ Lived, Start, Init, Working, Stopping time.Duration }

func (t *Times) add(o Times) {
	t.Lived += o.Lived
	t.Start += o.Start
	t.Init += o.Init
	t.Working += o.Working
	t.Stopping += o.Stopping
}

// times returns what the worker has done with its time.
func (w *worker) times(now time.Time) Times {
	working := w.link.working()
	w.mu.Lock()
	defer w.mu.Unlock()
	end := or(w.ages.gone, now)
	ready := or(w.ages.ready, end)
	hello := or(w.ages.hello, ready)
	t := Times{Lived: end.Sub(w.born), Start: hello.Sub(w.born), Init: ready.Sub(hello), Working: working}
	if !w.ages.stopping.IsZero() && !w.ages.ready.IsZero() {
		t.Stopping = end.Sub(w.ages.stopping)
	}
	t.Working = min(t.Working, t.Lived-t.Start-t.Init)
	t.Stopping = min(t.Stopping, t.Lived-t.Start-t.Init-t.Working)
	return t
}

func or(t, d time.Time) time.Time {
	if t.IsZero() {
		return d
	}
	return t
}

func (l *link) addWorked(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.worked += d
}

// working returns how long the worker has run tasks, the present one included.
func (l *link) working() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	d := l.worked
	if l.up && l.flight.len() > 0 {
		d += l.w.s.cfg.Clock() - l.since
	}
	return d
}

// Weigh measures the memory of every worker that is a process.
func (s *Supervisor) Weigh() {
	for _, w := range s.list() {
		if pid := w.who().PID; w.isReady() && pid != os.Getpid() {
			w.measure()
		}
	}
}
