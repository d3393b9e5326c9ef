//go:build unix

package poolprom_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"syscall"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/client_golang/prometheus/testutil"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/procpool/procpool"
	"github.com/procpool/procpool/observe/poolprom"
)

var risky = procpool.Define("poolprom.risky", func(_ context.Context, n int) (int, error) {
	switch n {
	case 1:
		return 0, errors.New("one")
	case 2:
		panic("two")
	case 3:
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
	return n, nil
})

// A worker built with the race detector would take a second to exit.
func init() { os.Setenv("GORACE", "atexit_sleep_ms=0") }

func TestMain(m *testing.M) {
	procpool.WorkerMain()
	os.Exit(m.Run())
}

// scrape reads what a server would read.
func scrape(t *testing.T, reg *prometheus.Registry) map[string]*dto.MetricFamily {
	t.Helper()
	server := httptest.NewServer(promhttp.HandlerFor(reg, promhttp.HandlerOpts{ErrorHandling: promhttp.HTTPErrorOnError}))
	defer server.Close()
	resp, err := http.Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatal(resp.Status, err)
	}
	return families
}

// find returns the metric of a family with these label values.
func find(t *testing.T, all map[string]*dto.MetricFamily, name string, values ...string) *dto.Metric {
	t.Helper()
	for _, m := range all[name].GetMetric() {
		same := len(m.Label) == len(values)
		for i, v := range values {
			same = same && m.Label[i].GetValue() == v
		}
		if same {
			return m
		}
	}
	t.Fatalf("there is no %s of %q in %v", name, values, all[name])
	return nil
}

func TestScrape(t *testing.T) {
	ctx := t.Context()
	pool, err := procpool.New(procpool.Config{Processes: 2, Stderr: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Terminate()
	c := poolprom.New(pool)
	defer c.Close()
	reg := prometheus.NewPedanticRegistry()
	reg.MustRegister(c)
	if problems, err := testutil.GatherAndLint(reg); err != nil || len(problems) > 0 {
		t.Errorf("before any task the linter says %v, %v", problems, err)
	}
	if err := pool.WaitReady(ctx); err != nil {
		t.Fatal(err)
	}
	risky.Map(ctx, pool, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9})
	live := scrape(t, reg)
	if n := find(t, live, "procpool_workers_resident_memory_bytes").Gauge.GetValue(); n < 1<<20 {
		t.Errorf("workers hold %v bytes", n)
	}
	find(t, live, "procpool_workers", "ready")
	if err := pool.Shutdown(ctx); err != nil { // events have been told then
		t.Fatal(err)
	}

	all := scrape(t, reg)
	if problems, err := testutil.GatherAndLint(reg); err != nil || len(problems) > 0 {
		t.Errorf("the linter says %v, %v", problems, err)
	}
	for _, want := range []struct {
		name   string
		labels []string
		value  float64
	}{
		{"procpool_tasks_submitted_total", nil, 10},
		{"procpool_tasks_total", []string{"succeeded"}, 7},
		{"procpool_tasks_total", []string{"failed"}, 3},
		{"procpool_task_errors_total", []string{"error", "poolprom.risky"}, 1},
		{"procpool_task_errors_total", []string{"panic", "poolprom.risky"}, 1},
		{"procpool_task_errors_total", []string{"killed_from_outside", "poolprom.risky"}, 1},
		{"procpool_worker_exits_total", []string{"killed"}, 1},
		{"procpool_queue_tasks", nil, 0},
		{"procpool_workers", []string{"ready"}, 0},
		{"procpool_circuit_open", nil, 0},
	} {
		m := find(t, all, want.name, want.labels...)
		if got := m.GetCounter().GetValue() + m.GetGauge().GetValue(); got != want.value {
			t.Errorf("%s%q is %v, want %v", want.name, want.labels, got, want.value)
		}
	}
	for _, name := range []string{"procpool_task_run_seconds", "procpool_task_wait_seconds"} {
		h := find(t, all, name, "poolprom.risky").Histogram
		if h.GetSampleCount() != 10 || h.GetSampleSum() <= 0 {
			t.Errorf("%s is %v", name, h)
		}
	}
}
