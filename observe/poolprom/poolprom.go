// Package poolprom shows a pool to Prometheus.
//
//	prometheus.MustRegister(poolprom.New(pool))
//
// Several pools of one program are told apart by a label:
//
//	prometheus.WrapRegistererWith(prometheus.Labels{"pool": "thumbs"}, prometheus.DefaultRegisterer).MustRegister(poolprom.New(pool))
package poolprom

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/procpool/procpool"
	"github.com/procpool/procpool/event"
	"github.com/procpool/procpool/observe/internal/kind"
)

// Collector is a prometheus.Collector over one pool. What Pool.Stats counts is read when it is scraped; how long tasks
// wait and run, and what goes wrong, comes from the pool's events since New.
type Collector struct {
	pool *procpool.Pool
	stop func()

	wait, run *prometheus.HistogramVec
	errors    *prometheus.CounterVec
	dropped   prometheus.Counter
	closed    atomic.Bool
}

// New returns a collector of a pool, and begins to observe it.
func New(pool *procpool.Pool) *Collector {
	c := &Collector{
		pool: pool,
		wait: histogram("task_wait_seconds", "Time from the acceptance of a task until its turn in a worker came."),
		run:  histogram("task_run_seconds", "Time that a task ran in a worker."),
		errors: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Name: "task_errors_total", Help: "Tasks that failed or were canceled, by what went wrong.",
		}, []string{"task", "kind"}),
		dropped: prometheus.NewCounter(prometheus.CounterOpts{
			Namespace: namespace, Name: "events_dropped_total", Help: "Events that were lost because observers were too slow.",
		}),
	}
	c.stop = pool.Observe(c.observe)
	return c
}

// Close ends observing. The collector still shows what it has.
func (c *Collector) Close() {
	if !c.closed.Swap(true) {
		c.stop()
	}
}

const namespace = "procpool"

// histogram has buckets from 100 µs to 7 minutes for servers that know nothing better, and exponential ones for those
// that do.
func histogram(name, help string) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Namespace: namespace, Name: name, Help: help,
		Buckets: prometheus.ExponentialBuckets(1e-4, 4, 12), NativeHistogramBucketFactor: 1.1,
	}, []string{"task"})
}

// observe takes an event in.
func (c *Collector) observe(e event.Event) {
	switch e := e.(type) {
	case event.TaskFinished:
		if e.Worker.Name != "" { // else it never ran
			c.wait.WithLabelValues(e.Task.Name).Observe(e.Wait.Seconds())
			c.run.WithLabelValues(e.Task.Name).Observe(e.Run.Seconds())
		}
		if e.Err != nil {
			c.errors.WithLabelValues(e.Task.Name, kind.Of(e.Err)).Inc()
		}
	case event.TaskCanceled:
		c.errors.WithLabelValues(e.Task.Name, kind.Of(e.Err)).Inc()
	case event.Dropped:
		c.dropped.Add(float64(e.Count))
	}
}

// Describe implements prometheus.Collector.
func (c *Collector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range descs {
		out <- d.desc
	}
	c.wait.Describe(out)
	c.run.Describe(out)
	c.errors.Describe(out)
	c.dropped.Describe(out)
}

// Collect implements prometheus.Collector.
func (c *Collector) Collect(out chan<- prometheus.Metric) {
	v := view{c.pool.Stats(), c.pool.Workers()}
	for _, d := range descs {
		d.collect(v, func(value float64, labels ...string) {
			out <- prometheus.MustNewConstMetric(d.desc, d.kind, value, labels...)
		})
	}
	c.wait.Collect(out)
	c.run.Collect(out)
	c.errors.Collect(out)
	c.dropped.Collect(out)
}
