//go:build unix

package dashboard_test

import (
	"bufio"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/procpool/procpool"
	"github.com/procpool/procpool/dashboard"
)

var stuck = procpool.Define("dashboard.stuck", func(context.Context, int) (int, error) { select {} })

// A task that is stuck is shown with where it is stuck, and then with its end.
func TestStuck(t *testing.T) {
	for grace := time.Second; !tellsStuck(t, grace); grace *= 4 { // in which the worker says where it is, on a busy machine late
		if grace > 10*time.Second {
			t.Fatal("the page never told")
		}
	}
}

// tellsStuck reports whether the page tells where a task was stuck.
func tellsStuck(t *testing.T, grace time.Duration) bool {
	t.Helper()
	pool, err := procpool.New(procpool.Config{Processes: 1, Grace: grace})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Terminate()
	d := dashboard.New(pool)
	defer d.Close()
	server := httptest.NewServer(d)
	defer server.Close()
	timeout := grace / 20 // by which it must have come there
	_, err = stuck.With(procpool.CallOptions{Timeout: timeout}).Apply(t.Context(), pool, 0)
	if err == nil {
		t.Fatal("it was not stuck")
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	req, _ := http.NewRequestWithContext(ctx, "GET", server.URL+"/live", nil)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	for lines := bufio.NewReader(resp.Body); ; {
		line, err := lines.ReadString('\n')
		if err != nil {
			t.Fatal("the page never told: ", err)
		}
		if strings.Contains(line, "still runs after "+timeout.String()) && strings.Contains(line, `"text":"task dashboard.stuck: worker`) {
			return strings.Contains(line, "stuck_test.go")
		}
	}
}
