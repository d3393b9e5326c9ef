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

	duty chan struct{} // holds a token while nobody collects; none before the worker is spawned
	work chan struct{} // holds a token when the reader should look
	over chan struct{} // closed by end: nothing will ever be in flight again

	revoking chan struct{}  // holds a token while nobody takes tasks back from the worker; taken before mu
	takers   sync.WaitGroup // who takes tasks back, until they are in the queue; none begins once ended

	scan  wire.Scanner // owned by who has the duty; so are the next
	hands *hands       // nil unless there is something to collect
	fault error        // what broke the stream
	pace  pace

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
		duty: make(chan struct{}, 1),
		work: make(chan struct{}, 1),
		over: make(chan struct{}),

		revoking: make(chan struct{}, 1),
	}
	l.revoking <- struct{}{}
	l.seat.Owner, l.seat.Number = l, uint64(w.id)
	l.window, l.pace.window, l.pace.most = 1, 1, mostWindow
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

// feedAll feeds links until nobody is left to be fed.
func feedAll(owners ...any) {
	for len(owners) > 0 {
		l := owners[len(owners)-1].(*link)
		owners = owners[:len(owners)-1]
		owners = append(owners, l.feed()...)
		l.wake()
	}
}

// fewRuns is how many runs of tasks are taken at a time for a worker that rested: mostly there is one task.
const fewRuns = 8

// feed takes tasks for this worker and sends them. It returns the owners of other seats, which nobody else will feed.
func (l *link) feed() (others []any) {
	var few [fewRuns]queue.Run
	return l.feedFrom(nil, few[:])
}

// feedFrom is feed with room for as many runs of tasks at a time as batch holds. It first settles what the worker has got rid of,
// if done is not nil.
func (l *link) feedFrom(done *queue.Settled, batch []queue.Run) (others []any) {
	for {
		l.mu.Lock()
		n, other, drained := l.takeLocked(done, batch)
		refused := l.sendLocked(batch[:n])
		l.mu.Unlock()
		done = nil
		if drained {
			l.w.drained()
		}
		if other != nil { // each time it may be another one
			others = append(others, other)
		}
		others = append(others, l.refuse(refused)...)
		if n < len(batch) && len(refused) == 0 { // else the seat has to look again: no answer will make it
			return others
		}
	}
}

func (l *link) takeLocked(done *queue.Settled, batch []queue.Run) (n int, other any, drained bool) {
	if done != nil {
		return l.q.Exchange(&l.seat, *done, l.windowLocked(), batch)
	}
	n, other = l.q.Take(&l.seat, batch)
	return n, other, false
}

// sendLocked sends tasks to the worker. It returns those that it cannot be given.
func (l *link) sendLocked(batch []queue.Run) (refused []unfit) {
	if len(batch) == 0 {
		return nil
	}
	first := l.flight.len() == 0
	buf, large := l.buf[:0], (*[]byte)(nil)
	if len(batch) > 1 || batch[0].Len() > 1 {
		large = buffers.Get().(*[]byte)
		buf = (*large)[:0]
	}
	for i := range batch {
		buf, refused = l.appendRunLocked(buf, &batch[i], refused)
	}
	l.conn.Send(buf, nil) // a broken channel shows when it is read
	if large != nil {
		buffers.Put(large)
	} else if cap(buf) <= keepBuf {
		l.buf = buf
	}
	if first && l.flight.len() > 0 {
		l.since = batch[0].Taken
		l.w.sampleSoon()
		l.guard.armLocked()
	}
	if l.flight.len() > 1 || !l.w.isReady() {
		l.w.s.patrol.arm()
	}
	l.w.s.vigil.arm()
	l.reportLocked()
	return refused
}

const (
	keepBuf   = 1 << 10  // the largest buffer that a link keeps for itself
	referSize = 16 << 10 // from which a payload is given to the channel as it is, instead of being copied behind its header
	sendSize  = 16 << 10 // from which what was appended is sent: the worker can begin
)

// appendRunLocked appends the frames of a run. What it was given to append to may be sent, and used again.
func (l *link) appendRunLocked(buf []byte, r *queue.Run, refused []unfit) ([]byte, []unfit) {
	t := r.Call.Task
	number, known := l.tasks[t.Name]
	info := wire.CallInfo{
		Timeout: l.w.s.timeout(t), Deadline: r.Call.Deadline, Attempt: int(r.Attempt), Metadata: t.Metadata, Spread: t.Spread,
	}
	var room [64]byte
	like := wire.AppendCall(room[:0], 0, number, &info, 0)
	if known && !l.json {
		l.flight.push(r)
		l.tellStartedLocked(r, r.Taken)
		for i := r.Item; i < r.To; i++ {
			buf = l.appendLocked(buf, like, r.Call.ID+uint64(i), r.Call.Payload(i))
		}
		return buf, refused
	}
	for i := range r.Len() {
		one := queue.Run{Entry: r.At(i), To: r.Item + int32(i) + 1}
		payload, why := l.fit(&one.Entry, known)
		if why != nil {
			refused = append(refused, unfit{one, why})
			continue
		}
		l.flight.push(&one)
		l.tellStartedLocked(&one, r.Taken)
		buf = l.appendLocked(buf, like, one.ID(), payload)
	}
	return buf, refused
}

func (l *link) appendLocked(buf, like []byte, id uint64, payload []byte) []byte {
	l.seq++
	buf = wire.AppendCallLike(buf, like, l.seq, id, len(payload))
	if len(payload) >= referSize {
		l.conn.Send(buf, payload)
		return buf[:0]
	}
	if buf = append(buf, payload...); len(buf) >= sendSize {
		l.conn.Send(buf, nil)
		return buf[:0]
	}
	return buf
}

func (l *link) tellStartedLocked(r *queue.Run, at time.Duration) {
	if !l.up || !l.w.s.Seen() {
		return
	}
	for i := range r.Len() {
		e := r.At(i)
		l.w.tell(startedEvent(l.w, &e, at))
	}
}

// reportLocked tells the machine that the worker's budget runs low.
func (l *link) reportLocked() {
	if l.watch == 0 || !l.opened { // a seat that is not open yet has no budget
		return
	}
	_, left := l.q.Load(&l.seat)
	if left = max(left, 1); left <= l.watch { // its last task may come back
		l.watch = 0
		l.w.progress(left, time.Duration(l.interval))
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

func (l *link) windowLocked() int {
	if l.blocked {
		return 0
	}
	return l.window
}
