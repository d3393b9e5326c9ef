//go:build unix

package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/procpool/procpool"
)

// pools are kept for the works that need a warm one, by number of processes.
var pools = poolSet{}

type poolSet map[int]*procpool.Pool

// warm returns a pool of n workers that have all answered; 0: one for each processor.
func (s poolSet) warm(n int) (*procpool.Pool, error) {
	if n == 0 {
		n = cores()
	}
	if p := s[n]; p != nil {
		return p, nil
	}
	p, err := open(procpool.Config{Processes: n})
	if err == nil {
		s[n] = p
	}
	return p, err
}

func (s poolSet) close() {
	for n, p := range s {
		if st := p.Stats(); len(st.Exits) > 0 { // no work should lose a worker of a warm pool
			fmt.Fprintf(os.Stderr, "subject: workers have left a warm pool: %v, %d tasks requeued\n", st.Exits, st.Requeued)
		}
		shut(p)
		delete(s, n)
	}
}

// open starts a pool and waits until it is ready.
func open(cfg procpool.Config) (*procpool.Pool, error) {
	p, err := start(cfg)
	if err != nil {
		return nil, err
	}
	if err := p.WaitReady(context.Background()); err != nil {
		p.Terminate()
		return nil, err
	}
	return p, nil
}

// start starts a pool as this run wants it.
func start(cfg procpool.Config) (*procpool.Pool, error) {
	cfg.StartMethod = method
	if cfg.Stdout == nil {
		cfg.Stdout = os.Stderr // standard output is for answers
	}
	if profile.prefix != "" && cfg.Processes <= cores() && cfg.MaxTasksPerChild == 0 { // more files than anyone reads
		cfg.Initializer = profileWorker.Bind(profile.prefix)
	}
	return procpool.New(cfg)
}

// shut ends a pool as a program would, but does not wait for ever.
func shut(p *procpool.Pool) {
	ctx, stop := context.WithTimeout(context.Background(), 10*time.Second)
	defer stop()
	p.Shutdown(ctx)
}

// rate returns how many of n there were in a second since begin.
func rate(n int, begin time.Time) []float64 {
	return []float64{float64(n) / time.Since(begin).Seconds()}
}
