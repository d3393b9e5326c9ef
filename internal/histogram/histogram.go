// Package histogram counts durations, so that quantiles of any number of them cost a fixed amount of memory.
package histogram

import (
	"math/bits"
	"time"
)

// A bucket is an eighth of a power of two wide, so that a quantile is off by 7 % at most.
const (
	parts   = 8
	exact   = 2 * parts // durations below so many nanoseconds have a bucket each
	buckets = 61 * parts
)

// Histogram counts durations. The zero value is empty.
type Histogram struct {
	counts [buckets]uint64
	n      uint64
}

// Add counts d; what is below 0 counts as 0.
func (h *Histogram) Add(d time.Duration) {
	h.counts[bucketOf(uint64(max(d, 0)))]++
	h.n++
}

// Merge adds what o has counted.
func (h *Histogram) Merge(o *Histogram) {
	for i, n := range o.counts {
		h.counts[i] += n
	}
	h.n += o.n
}

// Count returns how many durations were counted.
func (h *Histogram) Count() uint64 { return h.n }

// Quantile returns the duration below which the share q of all lies; 0 when nothing was counted.
func (h *Histogram) Quantile(q float64) time.Duration {
	rank := uint64(q * float64(h.n))
	for i, n := range h.counts {
		if rank < n {
			return middleOf(i)
		}
		rank -= n
	}
	for i := buckets - 1; i >= 0; i-- { // q is 1
		if h.counts[i] > 0 {
			return middleOf(i)
		}
	}
	return 0
}

func bucketOf(v uint64) int {
	if v < exact {
		return int(v)
	}
	shift := bits.Len64(v) - bits.Len(exact-1)
	return shift*parts + int(v>>shift)
}

func middleOf(i int) time.Duration {
	if i < exact {
		return time.Duration(i)
	}
	shift := i/parts - 1
	low := uint64(i%parts+parts) << shift
	return time.Duration(low + 1<<shift/2)
}
