//go:build unix

package main

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/procpool/procpool"
)

var background = context.Background()

func init() {
	work("apply", func(n []int) ([]float64, error) { return withPool(1, n[0], apply) })
	work("async", func(n []int) ([]float64, error) { return withPool(0, n[0], async) })
	work("map", func(n []int) ([]float64, error) { return withPool(0, n[0], mapInts) })
	work("records", func(n []int) ([]float64, error) { return withPool(0, n[0], mapRecords) })
	work("imap", func(n []int) ([]float64, error) { return withPool(0, n[0], imap) })
	work("unordered", func(n []int) ([]float64, error) { return withPool(0, n[0], unordered) })
}

// withPool times n tasks on a warm pool.
func withPool(processes, n int, do func(*procpool.Pool, int) error) ([]float64, error) {
	p, err := pools.warm(processes)
	if err != nil {
		return nil, err
	}
	begin := time.Now()
	err = do(p, n)
	return rate(n, begin), err
}

func apply(p *procpool.Pool, n int) error {
	for i := range n {
		if v, err := noop.Apply(background, p, i); err != nil || v != i {
			return fmt.Errorf("task %d gave %d, %w", i, v, err)
		}
	}
	return nil
}

func async(p *procpool.Pool, n int) error {
	results := make([]*procpool.AsyncResult[int], n)
	for i := range results {
		results[i] = noop.ApplyAsync(background, p, i)
	}
	for i, r := range results {
		if v, err := r.Get(background); err != nil || v != i {
			return fmt.Errorf("task %d gave %d, %w", i, v, err)
		}
	}
	return nil
}

func mapInts(p *procpool.Pool, n int) error {
	in := make([]int, n)
	for i := range in {
		in[i] = i
	}
	out, err := noop.Map(background, p, in)
	if err == nil && out[n-1] != n-1 {
		err = fmt.Errorf("the last item gave %d", out[n-1])
	}
	return err
}

func mapRecords(p *procpool.Pool, n int) error {
	in := make([]record, n)
	for i := range in {
		in[i] = aRecord(i)
	}
	out, err := modify.Map(background, p, in)
	if err == nil && (out[n-1].ID != n-1 || out[n-1].Count != 8) {
		err = fmt.Errorf("the last item gave %v", out[n-1])
	}
	return err
}

func upTo(n int) iter.Seq[int] {
	return func(yield func(int) bool) {
		for i := range n {
			if !yield(i) {
				return
			}
		}
	}
}

func imap(p *procpool.Pool, n int) error {
	next := 0
	for v, err := range noop.IMap(background, p, upTo(n)) {
		if err != nil || v != next {
			return fmt.Errorf("item %d gave %d, %w", next, v, err)
		}
		next++
	}
	return nil
}

func unordered(p *procpool.Pool, n int) error {
	got := 0
	for it := range noop.IMapUnordered(background, p, upTo(n)) {
		if it.Err != nil || it.Value != it.Index {
			return fmt.Errorf("item %d gave %d, %w", it.Index, it.Value, it.Err)
		}
		got++
	}
	if got != n {
		return fmt.Errorf("%d of %d items came", got, n)
	}
	return nil
}
