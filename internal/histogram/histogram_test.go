package histogram

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// Every duration falls into a bucket whose middle is close to it.
func TestBuckets(t *testing.T) {
	for v := uint64(1); v < math.MaxInt64/2; v += 1 + v/97 {
		m := middleOf(bucketOf(v))
		if off := math.Abs(float64(m)-float64(v)) / float64(v); off > 0.0715 {
			t.Fatalf("%d is counted as %d", v, m)
		}
	}
	if i := bucketOf(math.MaxInt64); i >= buckets {
		t.Fatalf("the longest duration falls into bucket %d of %d", i, buckets)
	}
}

// Quantiles are those of the sorted durations, also after a merge.
func TestQuantile(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var a, b Histogram
	var all []time.Duration
	for i := range 10_000 {
		d := time.Duration(math.Exp(rng.Float64() * 25))
		all = append(all, d)
		[]*Histogram{&a, &b}[i%2].Add(d)
	}
	a.Merge(&b)
	slices.Sort(all)
	for _, q := range []float64{0, 0.5, 0.9, 0.99, 1} {
		want := all[min(int(q*float64(len(all))), len(all)-1)]
		got := a.Quantile(q)
		if off := math.Abs(float64(got-want)) / float64(max(want, 1)); off > 0.0715 {
			t.Errorf("quantile %v is %v, want %v", q, got, want)
		}
	}
	if a.Count() != 10_000 {
		t.Errorf("counted %d", a.Count())
	}
}

func TestEmpty(t *testing.T) {
	var h Histogram
	if d := h.Quantile(0.5); d != 0 {
		t.Errorf("the median of nothing is %v", d)
	}
	h.Add(-time.Second)
	if d := h.Quantile(1); d != 0 {
		t.Errorf("a negative duration counts as %v", d)
	}
}

func BenchmarkAdd(b *testing.B) {
	var h Histogram
	d := time.Duration(1)
	for b.Loop() {
		h.Add(d)
		d = (d*7 + 3) % 1_000_000_007
	}
}
