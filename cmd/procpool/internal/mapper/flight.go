package mapper

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/procpool/procpool"
	"github.com/procpool/procpool/cmd/procpool/internal/items"
	"github.com/procpool/procpool/internal/codec"
)

// flight is an item from when it is sent until it is told.
type flight struct {
	item    items.Item
	size    int
	queued  time.Time
	call    *procpool.AsyncResult[codec.Raw] // nil: it could not be sent
	err     error                            // why
	dropped atomic.Bool                      // canceled because the run ends

	prev, next *flight // guarded by Mapper.mu
}

// ready reports whether it has landed.
func (f *flight) ready() bool { return f.call == nil || f.call.Ready() }

// result returns how it ended. It has landed.
func (f *flight) result() Result {
	r := Result{Item: f.item, Queued: f.queued, Err: f.err}
	if f.call != nil {
		r.ID = f.call.ID()
		r.Output, r.Err = f.call.Get(context.Background())
	}
	return r
}

// line is the flights that are not told, in input order.
type line struct {
	first, last *flight
	ground      []*flight // those that have landed, in that order; if anybody asks
}

func (l *line) add(f *flight) {
	if f.prev = l.last; f.prev == nil {
		l.first = f
	} else {
		f.prev.next = f
	}
	l.last = f
}

func (l *line) remove(f *flight) {
	if f.prev == nil {
		l.first = f.next
	} else {
		f.prev.next = f.next
	}
	if f.next == nil {
		l.last = f.prev
	} else {
		f.next.prev = f.prev
	}
	f.prev, f.next = nil, nil
}

func (l *line) land(f *flight) { l.ground = append(l.ground, f) }

// landed takes the flight that landed first off the ground. It stays in the line.
func (l *line) landed() *flight {
	if len(l.ground) == 0 {
		return nil
	}
	f := l.ground[0]
	l.ground[0] = nil
	l.ground = l.ground[1:]
	return f
}

// flying returns those that have not landed.
func (l *line) flying() (left []*flight) {
	for f := l.first; f != nil; f = f.next {
		if !f.ready() {
			left = append(left, f)
		}
	}
	return left
}
