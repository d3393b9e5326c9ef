package queue

import (
	"testing"
	"time"
)

// nothing takes results and drops them.
type nothing struct{}

func (nothing) Resolve(int32, []Outcome) {}
func (nothing) Abort(error)              {}

// benchQueue returns a queue with one open seat.
func benchQueue(window int) (*Queue, *Seat) {
	begin := time.Now()
	q := New(0, func() time.Duration { return time.Since(begin) }, nil)
	s := &Seat{Owner: "worker"}
	q.Open(s, window, 0)
	return q, s
}

// What the queue costs a task that comes alone: put, take, settle. The payload is only referred to, whatever its size.
func BenchmarkHopQueue(b *testing.B) {
	b.ReportAllocs()
	q, s := benchQueue(1)
	c, out := &Call{Task: &Task{}, Sink: nothing{}}, make([]Run, 64)
	for b.Loop() {
		*c = Call{Task: c.Task, Sink: c.Sink}
		if _, _, err := q.Put(c, false); err != nil {
			b.Fatal(err)
		}
		n, _ := q.Take(s, out)
		q.Settle(s, Settled{Succeeded: n}, 1)
		q.Take(s, out)
	}
}

// What the queue costs a task of a map: taken and settled 64 at a time.
func BenchmarkHopQueueMany(b *testing.B) {
	b.ReportAllocs()
	const items, window = 1 << 16, 64
	q, s := benchQueue(window)
	ends, out := make([]uint64, items+1), make([]Run, window)
	for i := range ends {
		ends[i] = uint64(i)
	}
	c := &Call{Task: &Task{}, Data: make([]byte, items), Many: &ends, Sink: nothing{}}
	left := 0
	for b.Loop() {
		if left == 0 {
			*c = Call{Task: c.Task, Data: c.Data, Many: &ends, Sink: c.Sink}
			q.Put(c, false)
			left = items
		}
		n, _ := q.Take(s, out)
		q.Settle(s, Settled{Succeeded: n}, window)
		left -= n
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/window, "ns/task")
}
