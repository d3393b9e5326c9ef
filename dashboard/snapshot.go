package dashboard

import (
	"time"

	"github.com/procpool/procpool"
)

// snapshot is what the page is told. Times are milliseconds.
type snapshot struct {
	Now       int64             `json:"now"` // seconds since 1970
	Processes int               `json:"processes"`
	Ready     int               `json:"ready"`
	Busy      int               `json:"busy"`
	Queued    int               `json:"queued"`
	Running   int               `json:"running"`
	Succeeded uint64            `json:"succeeded"`
	Failed    uint64            `json:"failed"`
	Canceled  uint64            `json:"canceled"`
	Requeued  uint64            `json:"requeued"`
	Retried   uint64            `json:"retried"`
	Started   uint64            `json:"started"`
	Failing   string            `json:"failing,omitempty"`
	Wait      ends              `json:"wait"`
	Run       ends              `json:"run"`
	Time      []share           `json:"time"`
	Exits     map[string]uint64 `json:"exits"`
	Workers   []worker          `json:"workers"`
	Slowest   []slow            `json:"slowest"`
	Failures  []failure         `json:"failures"`
	Seconds   []second          `json:"seconds"` // that the page does not know
}

// share is a part of the workers' time.
type share struct {
	Of    string  `json:"of"`
	Share float64 `json:"share"`
}

type worker struct {
	Name    string `json:"name"`
	PID     int    `json:"pid"`
	State   string `json:"state"`
	Reason  string `json:"reason,omitempty"`
	Running int    `json:"running"`
	Task    string `json:"task,omitempty"`
	Tasks   int    `json:"tasks"`
	Limit   int    `json:"limit"` // 0: none
	Age     int64  `json:"age"`
	Memory  uint64 `json:"memory"`
}

type slow struct {
	ID     uint64  `json:"id"`
	Task   string  `json:"task"`
	Worker string  `json:"worker"`
	Wait   float64 `json:"wait"`
	Run    float64 `json:"run"`
}

// snapshot tells what the pool is like, and what happened in the seconds from since on.
func (d *Dashboard) snapshot(since int64) snapshot {
	st := d.pool.Stats()
	s := snapshot{
		Processes: st.Processes, Ready: st.Ready, Busy: st.Busy, Queued: st.Queued, Running: st.Running,
		Succeeded: st.Succeeded, Failed: st.Failed, Canceled: st.Canceled, Requeued: st.Requeued, Retried: st.Retried,
		Started: st.Started, Wait: millisOf(st.Wait), Run: millisOf(st.Run), Exits: map[string]uint64{},
		Time: []share{
			{"start", st.Time.Start}, {"init", st.Time.Init}, {"waiting", st.Time.Waiting}, {"working", st.Time.Working}, {"stopping", st.Time.Stopping},
		},
		Workers: workersOf(d.pool.Workers(), time.Now()), Slowest: []slow{}, Failures: d.past.recent(),
	}
	if st.Failing != nil {
		s.Failing = st.Failing.Error()
	}
	for reason, n := range st.Exits {
		s.Exits[string(reason)] = n
	}
	for _, t := range st.Slowest {
		s.Slowest = append(s.Slowest, slow{t.ID, t.Task, t.Worker, millis(t.Wait), millis(t.Run)})
	}
	s.Seconds = d.past.since(since)
	s.Now = since
	if n := len(s.Seconds); n > 0 {
		s.Now = s.Seconds[n-1].At + 1
	}
	return s
}

func millisOf(q procpool.Quantiles) ends { return ends{millis(q.P50), millis(q.P90), millis(q.P99)} }

func workersOf(infos []procpool.WorkerInfo, now time.Time) []worker {
	all := make([]worker, len(infos))
	for i, w := range infos {
		all[i] = worker{
			Name: w.Name, PID: w.PID, State: string(w.State), Reason: string(w.Reason), Running: w.Running, Task: w.Task,
			Tasks: w.Tasks, Limit: w.Limit, Age: now.Sub(w.Started).Milliseconds(), Memory: w.Memory,
		}
	}
	return all
}
