package insight

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/procpool/procpool"
	"github.com/procpool/procpool/event"
)

// Profile adds up where the time goes.
type Profile struct {
	began   time.Time
	wait    spent // items, from queued to started
	work    spent // items, from started to finished
	slowest []slow

	mu      sync.Mutex
	start   spent             // workers that became ready
	living  map[string]*spent // by worker, as long as it lives
	busiest []worker          // that are gone: so many that the busiest of all are among them
	gone    int               // workers that had work, all of them
}

// worker is what a worker has done.
type worker struct {
	name string
	spent
}

// spent is a sum of times.
type spent struct {
	n   int
	sum time.Duration
	max time.Duration
}

func (s *spent) add(d time.Duration) {
	s.n++
	s.sum += d
	s.max = max(s.max, d)
}

func (s *spent) mean() time.Duration { return s.sum / time.Duration(max(s.n, 1)) }

// slow is one of the slowest items.
type slow struct {
	name string
	Attempt
}

// slowMost is how many of the slowest items are shown.
const slowMost = 5

// NewProfile returns an empty profile that begins now.
func NewProfile() *Profile { return &Profile{began: time.Now(), living: map[string]*spent{}} }

// Note takes in an event. What it keeps is in proportion to the workers that live, however many come and go.
func (p *Profile) Note(e event.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e := e.(type) {
	case event.WorkerReady:
		p.start.add(e.Took)
	case event.TaskFinished:
		p.worked(e.Worker.Name, e.Run)
	case event.WorkerExited:
		p.leaves(e.Worker.Name)
	}
}

func (p *Profile) worked(name string, d time.Duration) {
	if name == "" {
		return // no worker had it
	}
	w := p.living[name]
	if w == nil {
		w = &spent{}
		p.living[name] = w
	}
	w.add(d)
}

// leaves closes the account of a worker that is gone.
func (p *Profile) leaves(name string) {
	w := p.living[name]
	if w == nil {
		return // it had no work
	}
	delete(p.living, name)
	p.gone++
	p.busiest = append(p.busiest, worker{name, *w})
	if len(p.busiest) >= 2*workersMost {
		p.busiest = sorted(p.busiest)[:workersMost]
	}
}

// sorted puts the worker that worked longest first.
func sorted(all []worker) []worker {
	slices.SortFunc(all, func(a, b worker) int { return cmp.Or(cmp.Compare(b.sum, a.sum), cmp.Compare(a.name, b.name)) })
	return all
}

// Told takes in how an item was run.
func (p *Profile) Told(item fmt.Stringer, a Attempt) {
	p.wait.add(a.Wait)
	p.work.add(a.Run)
	if len(p.slowest) < slowMost || a.Run > p.slowest[slowMost-1].Run {
		p.slow(slow{item.String(), a})
	}
}

func (p *Profile) slow(s slow) {
	p.slowest = append(p.slowest, s)
	slices.SortStableFunc(p.slowest, func(a, b slow) int { return cmp.Compare(b.Run, a.Run) })
	p.slowest = p.slowest[:min(len(p.slowest), slowMost)]
}

// workersMost is how many workers are shown singly: the busiest.
const workersMost = 16

// Print tells where the time went, by itself and by what the pool has counted. Call it when nothing more is told.
func (p *Profile) Print(w io.Writer, st procpool.Stats) {
	p.mu.Lock()
	defer p.mu.Unlock()
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "where the time went, in %v\t   count\t   total\t    mean\t     max\t     p50\t     p90\t     p99\n", short(time.Since(p.began)))
	row := func(name string, s *spent, quantiles ...time.Duration) {
		fmt.Fprintf(t, "%s\t%8d\t%8v\t%8v\t%8v", name, s.n, short(s.sum), short(s.mean()), short(s.max))
		for _, q := range quantiles {
			fmt.Fprintf(t, "\t%8v", short(q))
		}
		fmt.Fprintln(t)
	}
	row("start of workers", &p.start)
	row("wait of items", &p.wait, st.Wait.P50, st.Wait.P90, st.Wait.P99)
	row("work on items", &p.work, st.Run.P50, st.Run.P90, st.Run.P99)
	for name := range p.living {
		p.leaves(name)
	}
	shown := sorted(p.busiest)
	shown = shown[:min(len(shown), workersMost)]
	for _, w := range shown {
		row(w.name, &w.spent)
	}
	t.Flush()
	if more := p.gone - len(shown); more > 0 {
		fmt.Fprintf(w, "... and %d more workers\n", more)
	}
	fmt.Fprintln(w, shares(st.Time))
	for i, s := range p.slowest {
		fmt.Fprintf(w, "slowest %d: %s took %v in %s\n", i+1, s.name, short(s.Run), s.Worker)
	}
}

// shares tells what workers did with their time.
func shares(t procpool.TimeShares) string {
	return fmt.Sprintf("workers' time: start %.1f %%, init %.1f %%, waiting %.1f %%, working %.1f %%, stopping %.1f %%",
		100*t.Start, 100*t.Init, 100*t.Waiting, 100*t.Working, 100*t.Stopping)
}

// short rounds a time to what people want to read.
func short(d time.Duration) time.Duration {
	for unit := time.Second; unit > 1; unit /= 10 {
		if d >= 100*unit {
			return d.Round(unit)
		}
	}
	return d
}
