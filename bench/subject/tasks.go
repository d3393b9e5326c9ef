//go:build unix

package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/procpool/procpool"
)

// record is a value that needs the general codec.
type record struct {
	ID     int
	Name   string
	Active bool
	Score  float64
	Tags   []string
	Count  uint32
	Level  int8
	Note   string
}

var (
	noop   = procpool.Define("bench.noop", func(_ context.Context, n int) (int, error) { return n, nil })
	modify = procpool.Define("bench.modify", func(_ context.Context, r record) (record, error) { r.Count++; return r, nil })
	echo   = procpool.Define("bench.echo", func(_ context.Context, b []byte) ([]byte, error) { return b, nil })
	sum    = procpool.Define("bench.sum", func(_ context.Context, v procpool.View) (uint64, error) { return sumOf(v), nil })
	rest   = procpool.Define("bench.rest", func(_ context.Context, d time.Duration) (int, error) { time.Sleep(d); return 0, nil })

	// hold goes on until it is told to stop; hang tells its process on standard output before.
	hold = procpool.Define("bench.hold", func(ctx context.Context, _ int) (int, error) { <-ctx.Done(); return 0, ctx.Err() })
	hang = procpool.Define("bench.hang", func(ctx context.Context, _ int) (int, error) {
		fmt.Println(os.Getpid())
		<-ctx.Done()
		return 0, ctx.Err()
	})
)

func sumOf(b []byte) (s uint64) {
	for _, c := range b {
		s += uint64(c)
	}
	return s
}
