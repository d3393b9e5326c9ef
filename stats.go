package procpool

import (
	"time"

	"github.com/procpool/procpool/event"
	"github.com/procpool/procpool/internal/histogram"
	"github.com/procpool/procpool/internal/supervisor"
)

// State is where a worker is in its life.
type State = event.State

// The states, in order. A worker only ages.
const (
	StateStarting = event.Starting
	StateReady    = event.Ready
	StateDraining = event.Draining
	StateStopping = event.Stopping
	StateGone     = event.Gone
)

// Reason is why a worker leaves or left.
type Reason = event.Reason

// The reasons: first the planned ones, then how a worker can die.
const (
	ReasonTaskLimit   = event.ReasonTaskLimit
	ReasonMemory      = event.ReasonMemory
	ReasonGrowth      = event.ReasonGrowth
	ReasonAge         = event.ReasonAge
	ReasonIdle        = event.ReasonIdle
	ReasonAsked       = event.ReasonAsked
	ReasonRolling     = event.ReasonRolling
	ReasonShrink      = event.ReasonShrink
	ReasonPanic       = event.ReasonPanic
	ReasonTerminated  = event.ReasonTerminated
	ReasonClosed      = event.ReasonClosed
	ReasonCrashed     = event.ReasonCrashed
	ReasonExited      = event.ReasonExited
	ReasonKilled      = event.ReasonKilled
	ReasonTimedOut    = event.ReasonTimedOut
	ReasonCanceled    = event.ReasonCanceled
	ReasonOutOfMemory = event.ReasonOutOfMemory
	ReasonProtocol    = event.ReasonProtocol
	ReasonStartFailed = event.ReasonStartFailed
)

// WorkerInfo is what is known of a worker.
type WorkerInfo struct {
	Name    string
	PID     int // 0: not spawned yet
	State   State
	Running int    // tasks in it now
	Task    string // what it runs
	Tasks   int    // started in it so far
	Limit   int    // of Tasks: MaxTasksPerChild, less Recycle.Jitter; 0: none
	Started time.Time
	Memory  uint64        // resident bytes when last measured
	Reason  Reason        // why it leaves; empty while it serves
	Why     event.Figures // the numbers that led to Reason
}

// Stats is the state of a pool at one moment.
type Stats struct {
	Processes, Ready, Busy, Queued, Running                            int    // now
	Submitted, Succeeded, Failed, Canceled, Requeued, Retried, Started uint64 // since New; Started counts workers

	WaitTotal, RunTotal time.Duration     // from accepted to sent to a worker, and in one, over all tasks
	Exits               map[Reason]uint64 // workers that have left; counted after the task that one took with it has resolved
	Failing             error             // the open circuit's *StartError, nil when healthy: for readiness probes
	LastResize          Resized           // the last change of Processes

	Wait, Run Quantiles  // of the tasks that have finished; as measured they are up to 7 % off
	Time      TimeShares // what workers did with their time
	Slowest   []SlowTask // the five that ran longest, the slowest first
}

// Quantiles are durations below which half of all lie, nine in ten, and 99 in a hundred.
type Quantiles struct{ P50, P90, P99 time.Duration }

// TimeShares are shares of the time that all workers have lived; together they are 1, or 0 before there was a worker.
type TimeShares struct {
	Start    float64 // from spawn to the first answer
	Init     float64 // in the initializer
	Waiting  float64 // for a task
	Working  float64
	Stopping float64 // from being told to leave until it was gone
}

// SlowTask is one of the tasks that ran longest.
type SlowTask struct {
	ID        uint64
	Task      string
	Worker    string
	Wait, Run time.Duration
}

// Resized is a change of the number of processes. Reason is "resize", "grow" or "shrink"; empty: there was none.
type Resized struct {
	From, To int
	Reason   string
	At       time.Time
}

// Stats returns a consistent snapshot. It waits for a moment in which no worker changes its state.
func (p *Pool) Stats() Stats {
	st := p.super.State()
	q := p.queue.Snapshot()
	return Stats{
		Processes: st.Target, Ready: st.Ready, Busy: st.Busy, Queued: q.Queued, Running: q.Inflight,
		Submitted: q.Submitted, Succeeded: q.Succeeded, Failed: q.Failed, Canceled: q.Canceled,
		Requeued: q.Requeued, Retried: q.Retried, Started: st.Started,
		WaitTotal: q.Wait, RunTotal: q.Run, Exits: st.Exits, Failing: p.super.Failing(),
		LastResize: Resized(st.Change),
		Wait:       quantiles(&st.Tally.Wait), Run: quantiles(&st.Tally.Run),
		Time: timeShares(st.Times), Slowest: slowest(st.Tally.Slowest),
	}
}

func quantiles(h *histogram.Histogram) Quantiles {
	return Quantiles{P50: h.Quantile(0.5), P90: h.Quantile(0.9), P99: h.Quantile(0.99)}
}

func timeShares(t supervisor.Times) TimeShares {
	if t.Lived <= 0 {
		return TimeShares{}
	}
	of := func(d time.Duration) float64 { return float64(d) / float64(t.Lived) }
	s := TimeShares{Start: of(t.Start), Init: of(t.Init), Working: of(t.Working), Stopping: of(t.Stopping)}
	s.Waiting = 1 - s.Start - s.Init - s.Working - s.Stopping
	return s
}

func slowest(tasks []supervisor.SlowTask) []SlowTask {
	all := make([]SlowTask, len(tasks))
	for i, t := range tasks {
		all[i] = SlowTask(t)
	}
	return all
}

// Workers returns the living workers, the oldest first, and measures their memory.
func (p *Pool) Workers() []WorkerInfo {
	p.super.Weigh()
	st := p.super.State()
	infos := make([]WorkerInfo, len(st.Workers))
	for i, w := range st.Workers {
		infos[i] = WorkerInfo(w)
	}
	return infos
}
