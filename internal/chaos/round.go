//go:build unix

package main

import (
	"context"
	"io"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/procpool/procpool"
	"github.com/procpool/procpool/internal/leak"
)

// runners is how many goroutines submit.
const runners = 24

// round is one pool and what happens to it.
type round struct {
	plan   *plan
	ledger *ledger
	pool   *procpool.Pool
	next   atomic.Int64  // chunk
	late   chan struct{} // closed when most of the chunks have begun
	took   time.Duration
	sums   sums
	stats  procpool.Stats
}

func newRound(p *plan) *round {
	return &round{plan: p, ledger: newLedger(p), late: make(chan struct{})}
}

// run runs a round from New to the audit.
func (r *round) run() error {
	p := r.plan
	path, size, remove, err := makeMarks(p.tasks)
	if err != nil {
		return err
	}
	defer remove()
	finish, err := leak.Begin()
	if err != nil {
		return err
	}
	if !p.kills {
		path = ""
	}
	cfg := p.config
	cfg.Stdout, cfg.Stderr = io.Discard, io.Discard
	cfg.Initializer = initializer.Bind(setup{Path: path, Size: size, Fails: p.fails, Slow: p.slow})
	w := newWitness(r.ledger)
	if p.observe {
		cfg.OnEvent = w.see
	}
	begin := time.Now()
	if r.pool, err = procpool.New(cfg); err != nil {
		return err
	}
	r.storm()
	r.stats = r.pool.Stats()
	r.took = time.Since(begin)
	r.sums = r.ledger.audit()
	r.ledger.compare(&r.sums, r.stats)
	if p.observe {
		w.compare(r.stats)
	}
	for _, text := range finish() {
		r.ledger.fault("%s", text)
	}
	return nil
}

// storm submits everything while havoc is at work, and ends the pool.
func (r *round) storm() {
	ctx, calm := context.WithCancel(context.Background())
	var harm, work sync.WaitGroup
	h := &havoc{round: r, rand: rand.New(rand.NewPCG(r.plan.seed, uint64(r.plan.number)^0xbad))}
	harm.Go(func() { h.run(ctx) }) // ends when it is calm
	for range runners {
		work.Go(r.submitChunks) // ends when there are no more chunks
	}
	if r.plan.ending == endDrained {
		work.Wait()
	}
	r.end()
	work.Wait()
	if err := r.pool.Join(context.Background()); err != nil {
		r.ledger.fault("Join: %v", err)
	}
	calm()
	harm.Wait()
}

// end ends the pool, early or not.
func (r *round) end() {
	if r.plan.ending != endDrained {
		<-r.late
	}
	switch r.plan.ending {
	case endDrained, endClose:
		r.pool.Close()
	case endTerminate:
		r.pool.Terminate()
	case endShutdown:
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
		defer cancel()
		r.pool.Shutdown(ctx)
	}
}

// submitChunks submits one chunk after another.
func (r *round) submitChunks() {
	for {
		n := int(r.next.Add(1)) - 1
		if n >= len(r.ledger.chunks) {
			return
		}
		if n == len(r.ledger.chunks)*5/6 {
			close(r.late)
		}
		c := r.plan.chunk(n)
		r.ledger.chunks[n] = c
		r.submit(c)
	}
}

// answers returns how many there were so far, callbacks included.
func (r *round) answers() int64 {
	return r.ledger.answers.Load() + r.ledger.callbacks.Load()
}
