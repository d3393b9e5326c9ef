package supervisor

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/procpool/procpool/internal/queue"
	"github.com/procpool/procpool/internal/transport"
	"github.com/procpool/procpool/internal/wire"
)

// link is the channel to one worker with what is in flight on it. Feeding (Take, Send) is done by whoever finds the
// worker short of tasks, under mu. Collecting (Recv, Resolve) is a duty that one goroutine at a time has: the worker's
// reader, or a caller who waits for the answer. mu is taken before Queue.mu, never after.
type link struct {
	w     *worker
	q     *queue.Queue
	seat  queue.Seat
	conn  transport.Conn   // set before prime returns
	board *transport.Board // set before prime returns, and not used before

	duty duty          // to collect; nobody can have it before the worker is spawned
	work chan struct{} // holds a token when the reader should look
	over chan struct{} // closed by end: nothing will ever be in flight again

	revoking chan struct{}  // holds a token while nobody takes tasks back from the worker; taken before mu
	takers   sync.WaitGroup // who takes tasks back, until they are in the queue; none begins once ended

	scan  wire.Scanner // owned by who has the duty; so are the next
	hands *hands       // nil unless there is something to collect
	fault error        // what broke the stream
	pace  pace
	blind int         // answers settled since the last look at the board
	owed  int         // what was in flight when who has the duty last fed the worker: others, who feed it later, wake the reader
	sole  *queue.Call // the only one of that; nil: there were more, or none

	mu        sync.Mutex
	tasks     map[string]uint16 // of hello; nil before
	fenced    bool              // of hello
	json      bool              // of hello: payloads are JSON; written by who has the duty
	dumps     bool              // of hello
	up        bool              // it has said that it is ready
	wanted    bool              // the machine wants it to take tasks
	opened    bool              // it does
	ended     bool              // nothing may be sent any more
	stopped   bool              // stop was sent
	flight    flight            // sent and not answered
	seq       uint64            // of the last call sent
	buf       []byte            // reused for small frames
	like      []byte            // see likeLocked
	liked     *queue.Task       // whose plain calls begin like that; nil: none
	since     time.Duration     // when the first in flight got its turn, on the queue's clock
	worked    time.Duration     // that it has run tasks
	window    int               // from pace
	interval  float64           // from pace
	blocked   bool              // what waits behind a long task was taken back; nothing is sent until it is answered
	condemned bool              // it is to be killed under the call that it runs: nothing is sent any more
	guard     guard             // what stops the first in flight
	deaf      deaf              // how long the first in flight has not been taken up
	sight     sight             // what relief saw last
	watch     int               // tell the machine when the budget is at most this; 0: no need

	dirty  atomic.Bool   // it has run a task since it was last measured
	judged atomic.Bool   // it waits for Config.When to be asked
	ran    atomic.Int64  // tasks answered
	memory atomic.Uint64 // resident bytes when last measured

	revoked atomic.Uint64 // calls up to this one may have been taken back
	hardAt  atomic.Int64  // on the queue's clock: before this time it cannot be over HardMemory
}

func newLink(w *worker, q *queue.Queue, tasks map[string]uint16) *link {
	l := &link{
		w: w, q: q, tasks: tasks, fenced: tasks != nil,
		work: make(chan struct{}, 1),
		over: make(chan struct{}),

		revoking: make(chan struct{}, 1),
	}
	l.duty.have()
	l.revoking <- struct{}{}
	l.seat.Owner, l.seat.Number = l, uint64(w.id)
	l.window, l.pace.window, l.pace.most, l.blind = 1, 1, mostWindow, mostBlind
	l.guard.link = l
	return l
}

// open lets the worker take tasks, once the machine wants it to, it has a channel, and its tasks are known.
func (l *link) open(wanted bool) {
	l.mu.Lock()
	l.wanted = l.wanted || wanted
	now := l.wanted && !l.opened && l.tasks != nil && l.conn != nil && !l.ended
	l.opened = l.opened || now
	var others []any
	if now { // under mu: whoever sees opened sees the seat's budget
		others = l.q.Open(&l.seat, l.windowLocked(), l.w.budget)
	}
	l.mu.Unlock()
	if now {
		feedAll(append(others, l)...)
	}
}

// running returns how many tasks the worker has.
func (l *link) running() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.flight.len()
}

// tasksStarted returns how many tasks the worker has started, as far as it is known to run. mu is held.
func (l *link) tasksStarted() int {
	n := int(l.ran.Load())
	if l.flight.len() > 0 && l.flight.front().Call != nil {
		n++
	}
	return n
}

// handedLocked returns how many tasks of its budget the worker was given.
func (l *link) handedLocked() int {
	if l.w.budget == 0 || !l.opened {
		return 0
	}
	_, left := l.q.Load(&l.seat)
	return l.w.budget - left
}

// watchFor tells the machine when the worker's budget is at most left.
func (l *link) watchFor(left int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.watch = left
	l.reportLocked()
}

// wake makes the reader look. It never blocks.
func (l *link) wake() {
	select {
	case l.work <- struct{}{}:
	default:
	}
}

// resolve gives the items of a run their outcomes. They had turns from number at on.
func (l *link) resolve(r *queue.Run, all []queue.Outcome, d *queue.Settled, t turns, at int) {
	for i := range all {
		all[i].Worker, all[i].Attempt = l.w.name, int(r.Attempt)
	}
	r.Call.Sink.Resolve(r.Item, all)
	if r.Attempt > 1 {
		l.forget(r)
	}
	for i := range all {
		switch {
		case all[i].Unused:
			d.Canceled++
		case all[i].Err == nil:
			d.Succeeded++
		default:
			d.Failed++
		}
	}
	l.w.s.tally.add(r, all, t, at)
	if l.w.s.Seen() {
		l.tellResolved(r, all, t, at)
	}
}

func (l *link) forget(r *queue.Run) {
	for i := range r.Len() {
		e := r.At(i)
		l.q.Forget(&e)
	}
}

func (l *link) tellResolved(r *queue.Run, all []queue.Outcome, t turns, at int) {
	for i := range all {
		e := r.At(i)
		if all[i].Unused {
			l.w.tell(canceledEvent(l.w, &e))
		} else {
			l.w.tell(finishedEvent(l.w, &e, &all[i], t.span(at+i, &e)))
		}
	}
}

// settle settles what the worker has got rid of. It returns the owners of other seats, which nobody else will feed.
func (l *link) settle(d queue.Settled) (others []any) {
	l.mu.Lock()
	other, drained := l.q.Settle(&l.seat, d, l.windowLocked())
	l.mu.Unlock()
	if drained {
		l.w.drained()
	}
	if other != nil {
		others = append(others, other)
	}
	return others
}

// mean is what the worker's tasks have taken on average; 0 if it has run none.
func (l *link) mean() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.worked / time.Duration(max(l.ran.Load(), 1))
}
