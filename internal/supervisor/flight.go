package supervisor

import (
	"iter"

	"github.com/procpool/procpool/internal/queue"
)

// flight is what a worker has been sent and has not answered, in order. Numbers are consecutive: the first item has number
// first, and so on. A run without a call is one of ghosts: they were taken back, and the worker will answer Returned for
// each.
type flight struct {
	first uint64 // number of the first; meaningless while empty, then the next one's is first
	items int
	ring  []queue.Run
	head  int
	n     int // runs
}

func (f *flight) len() int { return f.items }

// front returns the run whose first item is the first. There is one.
func (f *flight) front() *queue.Run { return f.at(0) }

// sole returns the call of the only item; nil if there are others, or none, or it was taken back.
func (f *flight) sole() *queue.Call {
	if f.items != 1 {
		return nil
	}
	return f.front().Call
}

// at returns the i-th run.
func (f *flight) at(i int) *queue.Run { return &f.ring[(f.head+i)&(len(f.ring)-1)] }

// all yields the runs, and the number of each one's first item.
func (f *flight) all() iter.Seq2[uint64, *queue.Run] {
	return func(yield func(uint64, *queue.Run) bool) {
		seq := f.first
		for i := range f.n {
			r := f.at(i)
			if !yield(seq, r) {
				return
			}
			seq += uint64(r.Len())
		}
	}
}

func (f *flight) push(r *queue.Run) {
	if f.first == 0 {
		f.first = 1
	}
	if f.n == len(f.ring) {
		f.grow()
	}
	f.n++
	f.items += r.Len()
	*f.at(f.n - 1) = *r
}

func (f *flight) grow() {
	bigger := make([]queue.Run, max(4, 2*len(f.ring)))
	for i := range f.n {
		bigger[i] = *f.at(i)
	}
	f.ring, f.head = bigger, 0
}

// pop moves the first items to out, most of them at most; out holds a run for each. It returns the runs and the number of
// the first.
func (f *flight) pop(most int, out []queue.Run) (runs []queue.Run, first uint64) {
	first = f.first
	n := 0
	for ; most > 0 && f.n > 0; n++ {
		r := f.at(0)
		took := min(most, r.Len())
		out[n] = r.Cut(took)
		most -= took
		f.items -= took
		f.first += uint64(took)
		if r.Len() == 0 {
			*r = queue.Run{}
			f.n--
			f.head = (f.head + 1) & (len(f.ring) - 1)
		}
	}
	return out[:n], first
}

// empty takes everything out.
func (f *flight) empty() (runs []queue.Run, first uint64) {
	return f.pop(f.items, make([]queue.Run, f.n))
}

// unpop puts runs that were popped last back in front.
func (f *flight) unpop(runs []queue.Run, first uint64) {
	rest, _ := f.empty()
	f.first = first
	for _, r := range append(runs, rest...) {
		f.push(&r)
	}
}

// take makes ghosts of the items with numbers above after and up to last, and returns what they were.
func (f *flight) take(after, last uint64) (taken []queue.Entry) {
	runs, first := f.empty()
	f.first = first
	seq := first
	for _, r := range runs {
		for r.Len() > 0 {
			n, in := uint64(r.Len()), after < seq && seq <= last
			switch {
			case in:
				n = min(n, last-seq+1)
			case seq <= after:
				n = min(n, after-seq+1)
			}
			part := r.Cut(int(n))
			seq += n
			if in && part.Call != nil {
				taken = append(taken, entriesOf(&part)...)
				part.Call = nil
			}
			f.push(&part)
		}
	}
	return taken
}

// entriesOf returns the items of a run.
func entriesOf(r *queue.Run) []queue.Entry {
	all := make([]queue.Entry, r.Len())
	for i := range all {
		all[i] = r.At(i)
	}
	return all
}
