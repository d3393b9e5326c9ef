package dashboard

import (
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/procpool/procpool"
	"github.com/procpool/procpool/event"
	"github.com/procpool/procpool/internal/histogram"
)

const (
	mostSeconds  = 300
	mostFailures = 25
	mostText     = 8 << 10 // of what a failure says
)

// recorder remembers what a pool did, second by second, and what went wrong. Seconds are closed by whoever comes first
// after their end, so it needs no goroutine.
type recorder struct {
	pool *procpool.Pool

	mu        sync.Mutex
	now       second // is being filled
	wait, run histogram.Histogram
	past      []second // the oldest first
	failures  []failure
	failed    int // failures so far
}

// second is what happened in one second.
type second struct {
	At       int64 `json:"at"` // since 1970
	Done     int   `json:"done"`
	Failed   int   `json:"failed"`
	Canceled int   `json:"canceled"`
	Queued   int   `json:"queued"`
	Wait     ends  `json:"wait"` // milliseconds
	Run      ends  `json:"run"`
}

// ends are the 50th, 90th and 99th percentile; nil: of nothing.
type ends []float64

func endsOf(h *histogram.Histogram) ends {
	if h.Count() == 0 {
		return nil
	}
	return ends{millis(h.Quantile(0.5)), millis(h.Quantile(0.9)), millis(h.Quantile(0.99))}
}

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// failure is something that went wrong.
type failure struct {
	N      int    `json:"n"` // from 1
	Times  int    `json:"times"`
	At     int64  `json:"at"`
	What   string `json:"what"`
	Task   string `json:"task,omitempty"`
	Worker string `json:"worker,omitempty"`
	Text   string `json:"text"`
	More   string `json:"more,omitempty"` // stderr, a stack
}

func newRecorder(pool *procpool.Pool) *recorder {
	return &recorder{pool: pool, now: second{At: time.Now().Unix()}}
}

// turn closes the seconds that are over. The queue is looked at only then.
func (r *recorder) turn() {
	at := time.Now().Unix()
	r.mu.Lock()
	over := at > r.now.At
	r.mu.Unlock()
	if !over {
		return
	}
	queued := r.pool.Stats().Queued
	r.mu.Lock()
	defer r.mu.Unlock()
	r.now.At = max(r.now.At, at-mostSeconds)
	for r.now.At < at {
		r.now.Queued, r.now.Wait, r.now.Run = queued, endsOf(&r.wait), endsOf(&r.run)
		r.past = append(r.past, r.now)
		r.now = second{At: r.now.At + 1}
		r.wait, r.run = histogram.Histogram{}, histogram.Histogram{}
	}
	if over := len(r.past) - mostSeconds; over > 0 {
		r.past = append(r.past[:0], r.past[over:]...)
	}
}

// since returns the seconds from at on that are over.
func (r *recorder) since(at int64) []second {
	r.turn()
	r.mu.Lock()
	defer r.mu.Unlock()
	i := len(r.past)
	for i > 0 && r.past[i-1].At >= at {
		i--
	}
	return append([]second{}, r.past[i:]...)
}

func (r *recorder) recent() []failure {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]failure{}, r.failures...)
}

// observe takes an event in.
func (r *recorder) observe(e event.Event) {
	r.turn()
	r.mu.Lock()
	defer r.mu.Unlock()
	switch e := e.(type) {
	case event.TaskFinished:
		r.finishedLocked(e)
	case event.TaskCanceled:
		r.now.Canceled++
	case event.TaskTimedOut:
		r.addLocked(e, failure{What: "timed out", Task: e.Task.Name, Worker: e.Worker.Name, Text: "still runs after " + e.After.String(), More: e.Dump})
	case event.TaskRetried:
		f := explain(e.Err)
		f.What, f.Task, f.Worker = "retried", e.Task.Name, e.Worker.Name
		r.addLocked(e, f)
	case event.WorkerStartFailed:
		f := explain(e.Err)
		f.What, f.Worker = "start failed", e.Worker.Name
		r.addLocked(e, f)
	case event.WorkerMisconfigured:
		r.addLocked(e, failure{What: "misconfigured", Worker: e.Worker.Name, Text: "over its limit from the start: " + string(e.Reason)})
	}
}

func (r *recorder) finishedLocked(e event.TaskFinished) {
	r.now.Done++
	if e.Worker.Name != "" {
		r.wait.Add(e.Wait)
		r.run.Add(e.Run)
	}
	if e.Err != nil {
		r.now.Failed++
		f := explain(e.Err)
		f.Task, f.Worker = e.Task.Name, e.Worker.Name
		r.addLocked(e, f)
	}
}

func (r *recorder) addLocked(e event.Event, f failure) {
	r.failed++
	f.N, f.At = r.failed, e.When().UnixMilli()
	f.Times, f.Text, f.More = 1, cut(f.Text), cut(f.More)
	i := slices.IndexFunc(r.failures, func(o failure) bool { return o.What == f.What && o.Task == f.Task && o.Text == f.Text })
	if i >= 0 { // one that is common must not push out those that are rare
		f.Times += r.failures[i].Times
		r.failures = slices.Delete(r.failures, i, i+1)
	}
	r.failures = append(r.failures, f)
	if len(r.failures) > mostFailures {
		r.failures = append(r.failures[:0], r.failures[1:]...)
	}
}

func cut(s string) string {
	if len(s) > mostText {
		return s[:mostText] + " …"
	}
	return s
}

// explain tells what went wrong, and what there is to read about it.
func explain(err error) failure {
	f := failure{What: "failed", Text: err.Error()}
	if e, ok := errors.AsType[*procpool.WorkerError](err); ok {
		f.What, f.More = e.Cause.String(), e.Stderr
	}
	if e, ok := errors.AsType[*procpool.TaskError](err); ok {
		f.More = e.Stack
		if e.Panic {
			f.What = "panicked"
		}
	}
	if e, ok := errors.AsType[*procpool.StartError](err); ok {
		f.What, f.Text, f.More = "start failed", e.Err.Error(), e.Stderr
	}
	return f
}
