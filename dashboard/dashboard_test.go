package dashboard_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/procpool/procpool"
	"github.com/procpool/procpool/dashboard"
)

var fail = procpool.Define("dashboard.fail", func(context.Context, string) (string, error) { return "", errors.New("no licence") })

// A worker built with the race detector would take a second to exit.
func init() { os.Setenv("GORACE", "atexit_sleep_ms=0") }

func TestMain(m *testing.M) {
	procpool.WorkerMain()
	os.Exit(m.Run())
}

func start(t *testing.T) (pool *procpool.Pool, url string) {
	t.Helper()
	pool, err := procpool.New(procpool.Config{Processes: 1, StartMethod: procpool.Goroutines()})
	if err != nil {
		t.Fatal(err)
	}
	l, err := dashboard.Listen(":0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- dashboard.Serve(ctx, l, pool) }() // ends with ctx; waited for below
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		pool.Terminate()
		http.DefaultClient.CloseIdleConnections()
	})
	url = "http://" + l.Addr().String()
	answered(t, url)
	return pool, url
}

// answered waits until the page is served: from then on the pool is observed, and what its tasks do is told.
func answered(t *testing.T, url string) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
}

// Without a host, nobody but this machine gets in; and a web site cannot pretend to be this machine.
func TestLoopback(t *testing.T) {
	_, url := start(t)
	addr := strings.TrimPrefix(url, "http://")
	if host, _, _ := net.SplitHostPort(addr); host != "127.0.0.1" {
		t.Errorf("it listens on %s", host)
	}
	for host, want := range map[string]int{addr: 200, "localhost:8080": 200, "evil.example": 403, "evil.example:80": 403} {
		req, _ := http.NewRequest("GET", url, nil)
		req.Host = host
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("asked for %s it answers %s, want %d", host, resp.Status, want)
		}
	}
}

func TestListen(t *testing.T) {
	if _, err := dashboard.Listen("8080"); err == nil || !strings.Contains(err.Error(), `":8080"`) {
		t.Errorf("got %v", err)
	}
	l, err := dashboard.Listen("0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if !l.Addr().(*net.TCPAddr).IP.IsUnspecified() {
		t.Errorf("asked for everybody, it listens on %v", l.Addr())
	}
}

// The page tells of failures, not of arguments, loads nothing from elsewhere, and can only be read.
func TestLive(t *testing.T) {
	pool, url := start(t)
	for range 3 {
		fail.Apply(t.Context(), pool, "payload-that-nobody-may-see")
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	req, _ := http.NewRequestWithContext(ctx, "GET", url+"/live", nil)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewReader(resp.Body)
	for { // the failures may be told with the next second
		line, err := lines.ReadString('\n')
		if err != nil {
			t.Fatal("the page never told of three failures: ", err)
		}
		data, ok := strings.CutPrefix(line, "data: ")
		if !ok {
			continue
		}
		if strings.Contains(data, "payload") {
			t.Fatalf("it tells %s", data)
		}
		var s struct {
			Failed   int
			Failures []struct {
				Text  string
				Times int
			}
		}
		if err := json.Unmarshal([]byte(data), &s); err != nil {
			t.Fatal(err)
		}
		if len(s.Failures) == 1 && s.Failures[0].Times == 3 {
			if s.Failed != 3 || s.Failures[0].Text != "task dashboard.fail: no licence" {
				t.Errorf("it tells %s", data)
			}
			break
		}
	}
	if resp, err := http.Post(url+"/live", "", nil); err != nil || resp.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST gives %v, %v", resp, err)
	}
}

func TestAssets(t *testing.T) {
	_, url := start(t)
	for _, path := range []string{"/", "/page.js", "/page.css", "/uplot.js", "/uplot.css", "/uplot-LICENSE.txt"} {
		resp, err := http.Get(url + path)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != 200 || resp.Header.Get("Content-Security-Policy") == "" {
			t.Errorf("%s: %s, %v", path, resp.Status, err)
		}
		if path == "/" && strings.Contains(string(text), "src=\"http") {
			t.Error("the page loads from elsewhere")
		}
	}
}
