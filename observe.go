package procpool

import (
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/procpool/procpool/event"
	"github.com/procpool/procpool/internal/queue"
	"github.com/procpool/procpool/internal/supervisor"
)

// observers are who is told of events.
type observers struct {
	mu  sync.Mutex
	all []*observer // replaced, never changed: it is read without mu held
}

type observer struct{ observe func(event.Event) }

// Observe tells fn of everything that happens from now on, as Config.OnEvent, until stop is called. After stop has
// returned, fn may still be in its last call.
func (p *Pool) Observe(fn func(event.Event)) (stop func()) {
	o := &observer{fn}
	p.observers.change(p.super, func(all []*observer) []*observer { return append(slices.Clone(all), o) })
	return func() {
		p.observers.change(p.super, func(all []*observer) []*observer {
			return slices.DeleteFunc(slices.Clone(all), func(x *observer) bool { return x == o })
		})
	}
}

func (o *observers) change(s *supervisor.Supervisor, f func([]*observer) []*observer) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.all = f(o.all)
	s.Observed(len(o.all) > 0)
}

func (o *observers) list() []*observer {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.all
}

// many is the same event for many items of a call. It is taken apart when it is told, so that a map of a million items
// costs the one who submits it no more than that.
type many struct {
	event.At
	call     *queue.Call
	from, to int32
	one      func(event.At, event.Task) event.Event
}

// tellMany tells of the items of a call that have not been resolved before they were accepted.
func (p *Pool) tellMany(c *queue.Call, from, to int32, one func(event.At, event.Task) event.Event) {
	p.super.Tell(many{event.At{Time: time.Now()}, c, from, to, one})
}

func (m many) tell(all []*observer, p *Pool) {
	t := event.Task{Name: m.call.Task.Name, Attempt: 1, Metadata: m.call.Task.Labels}
	for i := m.from; i < m.to; i++ {
		if !m.call.Holes || len(m.call.Payload(i)) > 0 { // else its data may be another call's by now
			t.ID = m.call.ID + uint64(i)
			p.tellAll(all, m.one(m.At, t))
		}
	}
}

// entered tells observers of accepted tasks.
func (p *Pool) entered(c *queue.Call) {
	if p.super.Seen() {
		p.tellMany(c, 0, int32(c.Items()), func(at event.At, t event.Task) event.Event {
			return event.TaskQueued{At: at, Task: t}
		})
	}
}

// dropped tells observers of tasks that will not run: their call was canceled, or the pool cannot run them.
func (p *Pool) dropped(c *queue.Call, from, to int32, err error) {
	if !p.super.Seen() {
		return
	}
	accepted := p.clock() - c.Accepted
	p.tellMany(c, from, to, func(at event.At, t event.Task) event.Event {
		if err != nil {
			return event.TaskFinished{At: at, Task: t, Err: err, Wait: accepted}
		}
		return event.TaskCanceled{At: at, Task: t, Err: supervisor.CanceledBy(c, at.Time), Wait: accepted}
	})
}

// observe tells the observers. It is called for one event at a time.
func (p *Pool) observe(e event.Event) {
	all := p.observers.list()
	if m, ok := e.(many); ok {
		m.tell(all, p)
		return
	}
	p.tellAll(all, e)
}

func (p *Pool) tellAll(all []*observer, e event.Event) {
	for _, o := range all {
		p.tellOne(o, e)
	}
}

// tellOne hands an event to a function of the user's, whose panics are not the pool's.
func (p *Pool) tellOne(o *observer, e event.Event) {
	defer func() {
		if v := recover(); v != nil {
			fmt.Fprintf(p.cfg.stderr(), "procpool: an observer panicked: %v\n%s", v, debug.Stack())
		}
	}()
	o.observe(e)
}

// panicked tells of a panic in a callback, or another function of the user's.
func (p *Pool) panicked(v any) {
	stack := string(debug.Stack())
	if p.cfg.OnEvent == nil {
		fmt.Fprintf(p.cfg.stderr(), "procpool: a callback panicked: %v\n%s", v, stack)
	}
	p.super.Tell(event.CallbackPanicked{At: event.At{Time: time.Now()}, Value: v, Stack: stack})
}
