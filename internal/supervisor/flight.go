package supervisor

import "github.com/procpool/procpool/internal/queue"

// flight is what a worker has been sent and has not answered, in order. Numbers are consecutive: the first has number
// first, and so on. An entry without a call is a ghost: it was taken back, and the worker will answer Returned for it.
type flight struct {
	first uint64 // number of the first; meaningless while empty, then the next one's is first
	ring  []queue.Entry
	head  int
	n     int
}

func (f *flight) len() int { return f.n }

// at returns the i-th entry.
func (f *flight) at(i int) *queue.Entry { return &f.ring[(f.head+i)&(len(f.ring)-1)] }

func (f *flight) push(e queue.Entry) {
	if f.first == 0 {
		f.first = 1
	}
	if f.n == len(f.ring) {
		f.grow()
	}
	f.n++
	*f.at(f.n - 1) = e
}

func (f *flight) grow() {
	bigger := make([]queue.Entry, max(4, 2*len(f.ring)))
	for i := range f.n {
		bigger[i] = *f.at(i)
	}
	f.ring, f.head = bigger, 0
}

// pop moves the first entries to out, as many as there are and out holds, and returns how many and the first one's number.
func (f *flight) pop(out []queue.Entry) (n int, first uint64) {
	first = f.first
	for n < len(out) && f.n > 0 {
		e := f.at(0)
		out[n] = *e
		*e = queue.Entry{}
		n++
		f.n--
		f.first++
		f.head = (f.head + 1) & (len(f.ring) - 1)
	}
	return n, first
}
