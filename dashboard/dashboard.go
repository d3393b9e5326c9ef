// Package dashboard shows a pool on a web page, as it lives: its workers, its queue, how fast it is, and what went wrong.
// The page is read-only, shows no arguments and no results, and needs no network but this one connection.
//
//	go dashboard.ListenAndServe(ctx, ":8080", pool)
//
// or, in a server that is there already, which should ask who is there:
//
//	mux.Handle("/pool/", http.StripPrefix("/pool", dashboard.New(pool)))
package dashboard

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"time"

	"github.com/procpool/procpool"
)

//go:embed assets
var assets embed.FS

// period is how often the page hears from the pool.
const period = time.Second

// Dashboard serves the page of one pool. It is an http.Handler; make one with [New].
type Dashboard struct {
	pool *procpool.Pool
	past *recorder
	mux  http.ServeMux
	stop func()
}

// New returns the page of a pool. It observes the pool from now on, and remembers the last five minutes. It has no
// goroutine, so it needs no end; Close only ends the observing.
func New(pool *procpool.Pool) *Dashboard {
	d := &Dashboard{pool: pool, past: newRecorder(pool)}
	files, err := fs.Sub(assets, "assets")
	if err != nil {
		panic(err) // it is embedded
	}
	d.mux.Handle("GET /", http.FileServerFS(files))
	d.mux.HandleFunc("GET /live", d.live)
	d.stop = pool.Observe(d.past.observe)
	return d
}

// Close ends the observing. The page stays, and shows what it has.
func (d *Dashboard) Close() { d.stop() }

// policy lets the page load its own files only, and nobody frame it. Charts place their parts by styles.
const policy = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self'; img-src 'self' data:; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// ServeHTTP implements http.Handler.
func (d *Dashboard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	d.mux.ServeHTTP(w, r)
}

// live sends what the pool is like, each second, until the page is closed.
func (d *Dashboard) live(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	flush := http.NewResponseController(w)
	tick := time.NewTicker(period) // what is shown is sampled: there is no event to wait for
	defer tick.Stop()
	since := int64(0)
	for {
		s := d.snapshot(since)
		since = s.Now
		data, err := json.Marshal(s)
		if err == nil {
			_, err = fmt.Fprintf(w, "data: %s\n\n", data)
		}
		if err != nil || flush.Flush() != nil {
			return
		}
		select {
		case <-tick.C:
		case <-r.Context().Done():
			return
		}
	}
}
