package dashboard

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/procpool/procpool"
)

// ListenAndServe serves the page of a pool on addr until ctx ends, and returns nil then. An addr without a host, such as
// ":8080", is taken on this machine only, since whoever reaches the page sees what tasks print; name a host, or 0.0.0.0,
// to let others in.
func ListenAndServe(ctx context.Context, addr string, pool *procpool.Pool) error {
	l, err := Listen(addr)
	if err != nil {
		return err
	}
	return Serve(ctx, l, pool)
}

// Listen listens on addr as ListenAndServe does, for those who want to tell the address first: it is l.Addr().
func Listen(addr string) (net.Listener, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("dashboard: address %q: %w: use \":8080\", or \"host:8080\"", addr, err)
	}
	if host == "" {
		host = "127.0.0.1"
	}
	return net.Listen("tcp", net.JoinHostPort(host, port))
}

// Serve serves the page of a pool on l until ctx ends, and returns nil then. It closes l.
func Serve(ctx context.Context, l net.Listener, pool *procpool.Pool) error {
	d := New(pool)
	defer d.Close()
	var h http.Handler = d
	if addr, ok := l.Addr().(*net.TCPAddr); ok && addr.IP.IsLoopback() {
		h = local(d)
	}
	s := &http.Server{
		Handler: h, ReadHeaderTimeout: 10 * time.Second,
		BaseContext: func(net.Listener) context.Context { return ctx }, // ends the pages' connections
	}
	stop := context.AfterFunc(ctx, func() { s.Close() })
	defer stop()
	if err := s.Serve(l); ctx.Err() == nil {
		return err
	}
	return nil
}

// local lets in only who asks for this machine by its own names. Otherwise any web site could point a name of its own
// here, and read the page in its visitor's browser.
func local(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.Host)
		if err != nil {
			host = r.Host
		}
		ip := net.ParseIP(host)
		if host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			http.Error(w, "this page is for this machine: use http://localhost", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}
