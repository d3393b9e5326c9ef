package supervisor

import (
	"time"

	"github.com/procpool/procpool/internal/queue"
	"github.com/procpool/procpool/internal/wire"
)

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
	return l.feedAs(feeding{}, few[:])
}

// feeding is what is known to who feeds.
type feeding struct {
	done *queue.Settled // what the worker has got rid of, and is settled first; nil: nothing
	now  time.Duration  // what the queue's clock has just said; 0: it was not asked
	duty bool           // he has the duty, too
}

// feedAs is feed with room for as many runs of tasks at a time as batch holds.
func (l *link) feedAs(f feeding, batch []queue.Run) (others []any) {
	for {
		l.mu.Lock()
		n, other, drained := l.takeLocked(&f, batch)
		refused := l.sendLocked(batch[:n])
		clear(batch[:n]) // who is fed may not be here again soon, and keeps its calls alive
		if f.duty {
			l.owed, l.sole = l.flight.len(), l.flight.sole()
		}
		l.mu.Unlock()
		f.done, f.now = nil, 0
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

func (l *link) takeLocked(f *feeding, batch []queue.Run) (n int, other any, drained bool) {
	if f.done != nil {
		l.adoptLocked()
		return l.q.Exchange(&l.seat, *f.done, l.windowLocked(), batch)
	}
	n, other = l.q.TakeAt(&l.seat, batch, f.now)
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
	like := l.likeLocked(r)
	if like != nil && !l.json {
		l.flight.push(r)
		l.tellStartedLocked(r, r.Taken)
		for i := r.Item; i < r.To; i++ {
			buf = l.appendLocked(buf, like, r.Call.ID+uint64(i), r.Call.Payload(i))
		}
		return buf, refused
	}
	for i := range r.Len() {
		one := queue.Run{Entry: r.At(i), To: r.Item + int32(i) + 1}
		payload, why := l.fit(&one.Entry, like != nil)
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

// likeLocked returns what the frames of a run begin with, but for their numbers; nil if the worker does not know the task. Most
// calls begin as the one before.
func (l *link) likeLocked(r *queue.Run) []byte {
	t := r.Call.Task
	plain := r.Attempt == 1 && r.Call.Deadline == 0
	if plain && t == l.liked {
		return l.like
	}
	number, known := l.tasks[t.Name]
	if !known {
		return nil
	}
	info := wire.CallInfo{
		Timeout: l.w.s.timeout(t), Deadline: r.Call.Deadline, Attempt: int(r.Attempt), Metadata: t.Metadata, Spread: t.Spread,
	}
	l.like, l.liked = wire.AppendCall(l.like[:0], 0, number, &info, 0), nil
	like := l.like
	switch {
	case len(like) > keepBuf:
		l.like = nil
	case plain:
		l.liked = t
	}
	return like
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

func (l *link) windowLocked() int {
	if l.blocked {
		return 0
	}
	return l.window
}
