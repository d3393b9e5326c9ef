//go:build unix

package main

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/procpool/procpool"
)

// submit submits a chunk in its form, and records what comes of it.
func (r *round) submit(c *chunk) {
	ctx := context.Background()
	if c.cancel > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithCancel(ctx)
		defer cancel()
		defer time.AfterFunc(c.cancel, cancel).Stop()
	}
	t := task.With(c.options)
	switch c.form {
	case formApply:
		r.apply(ctx, t, c)
	case formAsync:
		r.async(ctx, t, c)
	case formMap, formMapAsync:
		r.mapped(ctx, t, c)
	case formIMap:
		r.imap(ctx, t, c)
	case formUnordered:
		r.unordered(ctx, t, c)
	}
}

type taskOf = procpool.Task[job, done]

func (r *round) apply(ctx context.Context, t taskOf, c *chunk) {
	for i, j := range c.jobs {
		r.ledger.entries[j.ID].given.Store(true)
		d, err := t.Apply(ctx, r.pool, j)
		r.ledger.judge(c, i, d, err)
	}
}

func (r *round) async(ctx context.Context, t taskOf, c *chunk) {
	results := make([]*procpool.AsyncResult[done], c.n)
	for i, j := range c.jobs {
		r.ledger.entries[j.ID].given.Store(true)
		r.ledger.entries[j.ID].callback = true
		results[i] = t.ApplyAsync(ctx, r.pool, j)
		results[i].OnSuccess(func(done) { r.called(int(j.ID)) }).OnError(func(error) { r.called(int(j.ID)) })
		if c.breakAt >= 0 && c.rand.IntN(10) == 0 {
			results[c.rand.IntN(i+1)].Cancel()
		}
	}
	for i, res := range results {
		d, err := res.Get(context.Background())
		r.ledger.judge(c, i, d, err)
	}
}

// called is the callback of a single task.
func (r *round) called(id int) {
	if n := r.ledger.entries[id].callbacks.Add(1); n > 1 {
		r.ledger.fault("task %d was called back %d times", id, n)
	}
	if r.ledger.callbacks.Add(1)%97 == 0 {
		r.pool.Stats() // whatever a callback asks, it must not hang
	}
}

func (r *round) mapped(ctx context.Context, t taskOf, c *chunk) {
	for _, j := range c.jobs {
		r.ledger.entries[j.ID].given.Store(true)
	}
	var out []done
	var err error
	if c.form == formMap {
		out, err = t.Map(ctx, r.pool, c.jobs)
	} else {
		calls := make(chan struct{}, 2)
		res := t.MapAsync(ctx, r.pool, c.jobs)
		res.OnSuccess(func([]done) { calls <- struct{}{} }).OnError(func(error) { calls <- struct{}{} })
		if c.breakAt >= 0 {
			res.Cancel()
		}
		out, err = res.Get(context.Background())
		<-calls
	}
	r.judgeMap(c, out, err)
}

// judgeMap takes in the outcome of a map.
func (r *round) judgeMap(c *chunk, out []done, err error) {
	var items *procpool.MapError
	errs := make([]error, c.n)
	switch {
	case err == nil:
	case errors.As(err, &items):
		for _, it := range items.Items {
			errs[it.Index] = it.Err
		}
		if !c.options.FailFast && items.Total != c.n {
			r.ledger.fault("chunk %d: a map of %d tells of %d", c.number, c.n, items.Total)
		}
	default:
		for i := range errs {
			errs[i] = err
		}
	}
	for i := range c.n {
		var d done
		if i < len(out) {
			d = out[i]
		}
		switch {
		case d.Sum != 0:
			r.ledger.judge(c, i, d, nil)
		case errs[i] == nil && items != nil && c.options.FailFast:
			r.ledger.answer(c.first+i, canceled, 0)
		default:
			r.ledger.judge(c, i, d, errs[i])
		}
	}
}

// input is the input of an IMap.
func (r *round) input(c *chunk) iter.Seq[job] {
	return func(yield func(job) bool) {
		for _, j := range c.jobs {
			r.ledger.entries[j.ID].stream = true
			r.ledger.entries[j.ID].given.Store(true)
			if !yield(j) {
				return
			}
		}
	}
}

func (r *round) imap(ctx context.Context, t taskOf, c *chunk) {
	i := 0
	for d, err := range t.IMap(ctx, r.pool, r.input(c)) {
		var item *procpool.ItemError
		switch {
		case err == nil:
		case errors.As(err, &item):
			if item.Index != i {
				r.ledger.fault("chunk %d: item %d came when %d was next", c.number, item.Index, i)
			}
			err = item.Err
		default:
			r.whole(c, err)
			return
		}
		r.ledger.judge(c, i, d, err)
		if i++; i == c.breakAt {
			return
		}
	}
	r.complete(c, i)
}

func (r *round) unordered(ctx context.Context, t taskOf, c *chunk) {
	n := 0
	for it := range t.IMapUnordered(ctx, r.pool, r.input(c)) {
		if it.Index < 0 {
			r.whole(c, it.Err)
			return
		}
		r.ledger.judge(c, it.Index, it.Value, it.Err)
		if n++; n == c.breakAt {
			return
		}
	}
	r.complete(c, n)
}

// whole checks what ended a stream.
func (r *round) whole(c *chunk, err error) {
	ended := errors.Is(err, procpool.ErrClosed) || errors.Is(err, procpool.ErrTerminated)
	switch {
	case ended && r.plan.ending != endDrained:
	case err == context.Canceled && c.cancel > 0:
	default:
		r.ledger.fault("chunk %d: a stream ended with %v", c.number, err)
	}
}

func (r *round) complete(c *chunk, n int) {
	if n != c.n {
		r.ledger.fault("chunk %d: a stream of %d gave %d", c.number, c.n, n)
	}
}
