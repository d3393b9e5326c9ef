//go:build unix

package browser

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/procpool/procpool"
	"github.com/procpool/procpool/dashboard"
)

var work = procpool.Define("page.work", func(ctx context.Context, n int) (int, error) {
	switch {
	case n%97 == 5:
		return 0, errors.New("no such picture")
	case n%397 == 11:
		panic("division by zero")
	case n%1499 == 77:
		fmt.Fprintln(os.Stderr, "out of cheese")
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
	time.Sleep(time.Duration(n%13) * time.Millisecond)
	return n, nil
})

var stuck = procpool.Define("page.stuck", func(context.Context, int) (int, error) { select {} })

const secret = "payload-that-nobody-may-see"

var echo = procpool.Define("page.echo", func(_ context.Context, s string) (string, error) { return s, nil })

func TestMain(m *testing.M) {
	procpool.WorkerMain()
	os.Exit(m.Run())
}

// patient bounds what takes seconds at most if it works: the test shares its machine.
const patient = time.Minute

// browse starts a browser, or skips the test where there is none.
func browse(t *testing.T) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("there is no chromium: on Debian, apt-get install chromium")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	t.Cleanup(cancel)
	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.WSURLReadTimeout(patient), chromedp.Env("TMPDIR=/tmp")) // its socket there must have a short name
	ctx, cancel = chromedp.NewExecAllocator(ctx, opts...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	complain(ctx, t)
	return ctx
}

// complain makes what the browser complains about the test's failure: a script's error, a blocked or missing file.
func complain(ctx context.Context, t *testing.T) {
	chromedp.ListenTarget(ctx, func(e any) {
		switch e := e.(type) {
		case *runtime.EventExceptionThrown:
			t.Errorf("the page threw %v", e.ExceptionDetails)
		case *log.EventEntryAdded:
			if e.Entry.Level == log.LevelError {
				t.Errorf("the browser says %s: %s", e.Entry.URL, e.Entry.Text)
			}
		}
	})
}

// serve serves the page of a pool and returns its address.
func serve(t *testing.T, pool *procpool.Pool) string {
	t.Helper()
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
	})
	url := "http://" + l.Addr().String()
	resp, err := http.Get(url) // from its answer on the pool is observed
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	http.DefaultClient.CloseIdleConnections()
	return url
}

// load keeps a pool busy until the test ends. What happens is repeated: the page forgets what was long ago.
func load(t *testing.T, pool *procpool.Pool) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { // ends with ctx
		defer close(done)
		echo.Apply(ctx, pool, secret)
		for from := 0; ctx.Err() == nil; from += 500 {
			in := make([]int, 500)
			for i := range in {
				in[i] = from + i
			}
			if from%10_000 == 0 {
				stuck.With(procpool.CallOptions{Timeout: 100 * time.Millisecond}).ApplyAsync(ctx, pool, 0)
			}
			work.Map(ctx, pool, in)
		}
	}()
	t.Cleanup(func() { cancel(); <-done })
}

// text waits until a script's value is true.
func until(script string) chromedp.Action {
	var ok bool
	return chromedp.Poll(script, &ok, chromedp.WithPollingTimeout(patient))
}

func run(ctx context.Context, t *testing.T, what string, actions ...chromedp.Action) {
	t.Helper()
	if err := chromedp.Run(ctx, actions...); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

// The page shows a real pool with kills, timeouts and recycled workers, in both themes and at three widths.
func TestPage(t *testing.T) {
	ctx := browse(t)
	pool, err := procpool.New(procpool.Config{
		Processes: 3, MaxTasksPerChild: 1000, Recycle: procpool.Recycle{Jitter: 0.3}, Grace: 100 * time.Millisecond, Stderr: io.Discard,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Terminate()
	url := serve(t, pool)
	load(t, pool)

	run(ctx, t, "open", log.Enable(), chromedp.Navigate(url))
	run(ctx, t, "workers", until(`document.querySelectorAll("#workers tr").length >= 3`))
	run(ctx, t, "a task in a worker", until(`document.getElementById("workers").textContent.includes("page.work")`))
	run(ctx, t, "throughput", until(`Number(document.getElementById("rate").textContent.replace(",", "")) > 0`))
	run(ctx, t, "recycled workers", until(`document.getElementById("exits").textContent.includes("task limit")`))
	run(ctx, t, "killed workers", until(`document.getElementById("exits").textContent.includes("killed")`))
	run(ctx, t, "stderr of a failure", until(`document.getElementById("failures").textContent.includes("out of cheese")`))
	run(ctx, t, "a stuck task", until(`document.getElementById("failures").textContent.includes("still runs after 100ms")`))
	run(ctx, t, "slowest", until(`document.querySelectorAll("#slowest tr").length == 5`))
	run(ctx, t, "memory lines", until(`[...document.querySelectorAll("#workers polyline")].some(p => p.getAttribute("points").split(" ").length > 3)`))
	run(ctx, t, "charts", until(`document.querySelectorAll("canvas").length == 4`))
	run(ctx, t, "percentiles", until(`[...document.querySelectorAll("[role=img]")].some(c => /run.*p99 \d/.test(c.ariaLabel))`))

	for _, theme := range []string{"light", "dark"} {
		for _, width := range []int64{360, 820, 1440} {
			shoot(ctx, t, theme, width)
		}
	}

	var html string
	run(ctx, t, "text", chromedp.OuterHTML("html", &html))
	if strings.Contains(html, secret) {
		t.Error("the page shows a payload")
	}
	keyboard(ctx, t)
	pool.Terminate()
	run(ctx, t, "the end", until(`document.querySelectorAll("#workers tr").length == 0`))
}

// shoot looks whether the page fits a width, and keeps a picture where PAGE_SHOTS says.
func shoot(ctx context.Context, t *testing.T, theme string, width int64) {
	var over float64
	var picture []byte
	run(ctx, t, "shoot", emulation.SetDeviceMetricsOverride(width, 900, 1, false),
		emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: theme}}),
		until(fmt.Sprintf(`innerWidth == %d && document.querySelector("canvas").getBoundingClientRect().right <= innerWidth`, width)),
		chromedp.Evaluate(`document.documentElement.scrollWidth - innerWidth`, &over),
		chromedp.FullScreenshot(&picture, 100))
	if over > 0 {
		t.Errorf("at %d pixels the page is %v too wide", width, over)
	}
	if dir := os.Getenv("PAGE_SHOTS"); dir != "" {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%s-%d.png", theme, width)), picture, 0o644); err != nil {
			t.Error(err)
		}
	}
}

// keyboard checks that everything that does something is reached by Tab, has a name, and works by key.
func keyboard(ctx context.Context, t *testing.T) {
	var names []string
	for range 6 {
		var name string
		run(ctx, t, "tab", chromedp.KeyEvent("\t"), chromedp.Evaluate(`(a => a.ariaLabel || a.textContent.trim() || a.id)(document.activeElement)`, &name))
		names = append(names, strings.SplitN(name, "\n", 2)[0])
	}
	all := strings.Join(names, ", ")
	for _, want := range []string{"Skip to the workers", "Pause", "Theme: system"} {
		if !strings.Contains(all, want) {
			t.Errorf("Tab reaches %q, but not %q", all, want)
		}
	}
	run(ctx, t, "pause", chromedp.Focus("#pause"), chromedp.KeyEvent(" "), until(`document.getElementById("status").textContent == "Paused"`))
	run(ctx, t, "go on", chromedp.KeyEvent(" "), until(`document.getElementById("pause").getAttribute("aria-pressed") == "false"`))
	run(ctx, t, "theme", chromedp.Focus("#theme"), chromedp.KeyEvent(" "), until(`document.documentElement.dataset.theme == "light"`))
	var unnamed int
	run(ctx, t, "names", chromedp.Evaluate(`[...document.querySelectorAll("[role=img], section, [role=region], button, table th")]
		.filter(e => !(e.ariaLabel || e.getAttribute("aria-labelledby") && document.getElementById(e.getAttribute("aria-labelledby")) || e.textContent.trim())).length`, &unnamed))
	if unnamed > 0 {
		t.Errorf("%d parts of the page have no name", unnamed)
	}
}
