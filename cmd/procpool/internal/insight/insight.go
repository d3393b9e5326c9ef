// Package insight listens to a pool and knows where the time goes.
package insight

import (
	"sync"
	"time"

	"github.com/procpool/procpool/event"
)

// Attempt is how a task was run.
type Attempt struct {
	Worker            string
	Number            int // 1 for the first
	Started, Finished time.Time
	Wait, Run         time.Duration // until it started, until it finished
}

// Ledger collects what is told of tasks, for Facts to take out.
type Ledger struct {
	mu       sync.Mutex
	news     sync.Cond
	running  map[uint64]Attempt
	finished map[uint64]Attempt
}

// NewLedger returns an empty ledger.
func NewLedger() *Ledger {
	l := &Ledger{running: map[uint64]Attempt{}, finished: map[uint64]Attempt{}}
	l.news.L = &l.mu
	return l
}

// Note takes in an event.
func (l *Ledger) Note(e event.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch e := e.(type) {
	case event.TaskStarted:
		l.running[e.Task.ID] = Attempt{Worker: e.Worker.Name, Number: e.Task.Attempt, Started: e.Time}
	case event.TaskRequeued:
		delete(l.running, e.Task.ID)
	case event.TaskCanceled:
		delete(l.running, e.Task.ID)
	case event.TaskFinished:
		a := l.running[e.Task.ID]
		delete(l.running, e.Task.ID)
		a.Worker, a.Number, a.Finished, a.Wait, a.Run = e.Worker.Name, e.Task.Attempt, e.Time, e.Wait, e.Run
		l.finished[e.Task.ID] = a
		l.news.Broadcast()
	}
}

// patience is how long Facts waits for an event. None is known to be missing; a run must not hang on one that is.
const patience = 2 * time.Second

// Facts takes out what is known of a task that has a result. The result may be here before the event that tells of it,
// so it waits for that.
func (l *Ledger) Facts(id uint64) Attempt {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, ok := l.finished[id]; !ok {
		l.await(id)
	}
	a := l.finished[id]
	delete(l.finished, id)
	return a
}

func (l *Ledger) await(id uint64) {
	over := false
	t := time.AfterFunc(patience, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		over = true
		l.news.Broadcast()
	})
	defer t.Stop()
	for !over {
		if _, ok := l.finished[id]; ok {
			return
		}
		l.news.Wait()
	}
}
