package poolprom

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/procpool/procpool"
)

// view is a pool at one moment.
type view struct {
	procpool.Stats
	workers []procpool.WorkerInfo
}

type emit func(value float64, labels ...string)

// description is a metric that comes from a view.
type description struct {
	desc    *prometheus.Desc
	kind    prometheus.ValueType
	collect func(view, emit)
}

func describe(kind prometheus.ValueType, name, help string, labels []string, collect func(view, emit)) description {
	return description{prometheus.NewDesc(prometheus.BuildFQName(namespace, "", name), help, labels, nil), kind, collect}
}

func gauge(name, help string, value func(view) float64) description {
	return describe(prometheus.GaugeValue, name, help, nil, func(v view, out emit) { out(value(v)) })
}

func counter(name, help string, value func(view) uint64) description {
	return describe(prometheus.CounterValue, name, help, nil, func(v view, out emit) { out(float64(value(v))) })
}

var descs = []description{
	gauge("queue_tasks", "Tasks that wait.", func(v view) float64 { return float64(v.Queued) }),
	gauge("running_tasks", "Tasks that workers have.", func(v view) float64 { return float64(v.Running) }),
	counter("tasks_submitted_total", "Tasks that were accepted.", func(v view) uint64 { return v.Submitted }),
	describe(prometheus.CounterValue, "tasks_total", "Tasks that have ended, by how.", []string{"outcome"}, outcomes),
	counter("tasks_requeued_total", "Times that a task went to another worker before it had started.", func(v view) uint64 { return v.Requeued }),
	counter("tasks_retried_total", "Times that a task ran again because its worker had died.", func(v view) uint64 { return v.Retried }),
	gauge("target_workers", "Workers that the pool wants to have.", func(v view) float64 { return float64(v.Processes) }),
	gauge("busy_workers", "Workers that run a task.", func(v view) float64 { return float64(v.Busy) }),
	describe(prometheus.GaugeValue, "workers", "Workers, by state.", []string{"state"}, states),
	counter("workers_started_total", "Workers that were started.", func(v view) uint64 { return v.Started }),
	describe(prometheus.CounterValue, "worker_exits_total", "Workers that have left, by reason.", []string{"reason"}, exits),
	gauge("workers_resident_memory_bytes", "Resident memory of all workers.", sumMemory),
	gauge("worker_resident_memory_largest_bytes", "Resident memory of the largest worker.", largestMemory),
	gauge("circuit_open", "1 while workers cannot start and tasks fail, else 0.", func(v view) float64 {
		if v.Failing != nil {
			return 1
		}
		return 0
	}),
}

func outcomes(v view, out emit) {
	out(float64(v.Succeeded), "succeeded")
	out(float64(v.Failed), "failed")
	out(float64(v.Canceled), "canceled")
}

func states(v view, out emit) {
	counts := map[procpool.State]int{}
	for _, w := range v.workers {
		counts[w.State]++
	}
	for _, s := range []procpool.State{procpool.StateStarting, procpool.StateReady, procpool.StateDraining, procpool.StateStopping} {
		out(float64(counts[s]), string(s))
	}
}

func exits(v view, out emit) {
	for reason, n := range v.Exits {
		out(float64(n), string(reason))
	}
}

func sumMemory(v view) float64 {
	sum := uint64(0)
	for _, w := range v.workers {
		sum += w.Memory
	}
	return float64(sum)
}

func largestMemory(v view) float64 {
	largest := uint64(0)
	for _, w := range v.workers {
		largest = max(largest, w.Memory)
	}
	return float64(largest)
}
