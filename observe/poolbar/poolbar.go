// Package poolbar draws a progress bar for Map and IMap.
//
//	thumbs, err := poolbar.Map(ctx, pool, thumb, files, "thumbnails")
//
//	for image, err := range poolbar.IMap(thumb.IMap(ctx, pool, names), -1, "thumbnails") {
//
// The bar is drawn on standard error, if that is a terminal; else nothing is.
package poolbar

import (
	"context"
	"io"
	"iter"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/procpool/procpool"
	"github.com/procpool/procpool/event"
)

// redraw is how often a bar is drawn at most.
const redraw = 100 * time.Millisecond

// Bar is a progress bar. Its methods may be called from any goroutine.
type Bar struct{ lib *progressbar.ProgressBar }

// New returns a bar for total items, or for a number that is not known if total is negative, which is drawn on w.
func New(w io.Writer, total int, title string) *Bar {
	return &Bar{progressbar.NewOptions64(int64(max(total, -1)),
		progressbar.OptionSetWriter(w),
		progressbar.OptionSetDescription(title),
		progressbar.OptionShowCount(),
		progressbar.OptionShowIts(),
		progressbar.OptionSetItsString("tasks"),
		progressbar.OptionThrottle(redraw),
		progressbar.OptionSetWidth(30),
		progressbar.OptionOnCompletion(func() { _, _ = io.WriteString(w, "\n") }),
	)}
}

// Add tells that n more items are done. A bar that cannot be drawn is no reason to stop work.
func (b *Bar) Add(n int) { _ = b.lib.Add(n) }

// Close draws the bar for the last time, as far as it has come.
func (b *Bar) Close() { _ = b.lib.Exit() }

// Observe counts each task of a pool that has ended: for Config.OnEvent or Pool.Observe.
func (b *Bar) Observe(e event.Event) {
	switch e.(type) {
	case event.TaskFinished, event.TaskCanceled:
		b.Add(1)
	}
}

// Map is t.Map with a bar.
func Map[In, Out any](ctx context.Context, pool *procpool.Pool, t procpool.Task[In, Out], in []In, title string) ([]Out, error) {
	return On(ctx, screen(), pool, t, in, title)
}

// On is Map with the bar on w.
func On[In, Out any](ctx context.Context, w io.Writer, pool *procpool.Pool, t procpool.Task[In, Out], in []In, title string) ([]Out, error) {
	bar := New(w, len(in), title)
	defer bar.Close()
	ended := make(chan uint64, len(in)+1) // of any task; the pool must not wait for us
	defer pool.Observe(func(e event.Event) {
		if e, ok := e.(event.TaskFinished); ok {
			select {
			case ended <- e.Task.ID:
			default: // another map is at work, and bars are no accounts
			}
		}
	})()
	r := t.MapAsync(ctx, pool, in)
	for {
		select {
		case id := <-ended:
			if r.ID() <= id && id < r.ID()+uint64(len(in)) {
				bar.Add(1)
			}
		case <-r.Done():
			out, err := r.Get(ctx)
			if err == nil {
				_ = bar.lib.Finish()
			}
			return out, err
		}
	}
}

// IMap draws a bar of total items (negative: not known) while seq, which IMap returned, is ranged over.
func IMap[Out any](seq iter.Seq2[Out, error], total int, title string) iter.Seq2[Out, error] {
	return Seq(screen(), seq, total, title)
}

// Seq is IMap with the bar on w.
func Seq[Out any](w io.Writer, seq iter.Seq2[Out, error], total int, title string) iter.Seq2[Out, error] {
	return func(yield func(Out, error) bool) {
		bar := New(w, total, title)
		defer bar.Close()
		for v, err := range seq {
			bar.Add(1)
			if !yield(v, err) {
				return
			}
		}
	}
}

// Unordered draws a bar while seq, which IMapUnordered returned, is ranged over.
func Unordered[Out any](seq iter.Seq[procpool.Item[Out]], total int, title string) iter.Seq[procpool.Item[Out]] {
	return func(yield func(procpool.Item[Out]) bool) {
		bar := New(screen(), total, title)
		defer bar.Close()
		for item := range seq {
			bar.Add(1)
			if !yield(item) {
				return
			}
		}
	}
}

// screen is where bars are drawn.
func screen() io.Writer {
	if term.IsTerminal(int(os.Stderr.Fd())) {
		return os.Stderr
	}
	return io.Discard
}
