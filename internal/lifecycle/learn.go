package lifecycle

import (
	"math"
	"time"
)

// estimate follows a duration that varies, as TCP follows its round trips: a moving mean, and how far values are from it.
type estimate struct{ mean, dev time.Duration }

func (e *estimate) add(d time.Duration) {
	if e.mean == 0 {
		e.mean, e.dev = d, d/2
		return
	}
	off := d - e.mean
	e.mean += off / 8
	e.dev += (off.Abs() - e.dev) / 4
}

// ample is a duration that few values exceed; 0 if nothing is known.
func (e *estimate) ample() time.Duration { return e.mean + 2*e.dev }

// lead is how many tasks before its last a worker's successor must start, to be ready when the last one has run. Where
// times are not known it is half the budget: when the first half has run, they are.
func (f *Fleet) lead(w *worker) int {
	n := f.tasksInStart(w)
	if n == 0 {
		return (w.budget + 1) / 2
	}
	return min(w.budget, n)
}

// tasksInStart is how many tasks the worker may run while another one starts; 0: not known.
func (f *Fleet) tasksInStart(w *worker) int {
	pace := w.pace
	if pace == 0 {
		pace = f.pace
	}
	start := f.starts.ample()
	if pace == 0 || start == 0 {
		return 0
	}
	return int(min(math.MaxInt32, 1+int64((start-1)/pace)))
}

// deep reports whether there may be more successors than places: then a start that takes longer than a worker serves does
// not bound how many tasks are run.
func (f *Fleet) deep() bool { return f.cfg.MaxTasks > 0 && f.cfg.Spares > f.target }

// chain is how many workers must start now for the place of one that is near its end: its successor and, where the owner
// allows that many, those who come after it within one start.
func (f *Fleet) chain(w *worker) int {
	if w.budget == 0 || !f.deep() {
		return 1
	}
	return min(f.cfg.Spares, 1+f.tasksInStart(w)/w.budget)
}

// watch says when to hear of the worker again: when its successor must start, but at the latest at half of what is left,
// because what was learned until then may be better. After the successor's start, only the end matters.
func (f *Fleet) watch(w *worker) {
	if w.budget == 0 {
		return
	}
	lead := f.lead(w)
	w.near = w.near || w.left <= lead
	at := 0
	if !w.near {
		at = max(lead, w.left/2)
	}
	if at != w.watch {
		w.watch = at
		f.do(Watch{w.id, at})
	}
}

func (f *Fleet) progress(in Progress) {
	w := f.find(in, in.ID)
	switch {
	case w == nil || w.leaving():
		return
	case in.Left < 1 || in.Left > w.budget:
		f.refuse(in, "not within its budget")
		return
	}
	w.left = in.Left
	if in.Interval > 0 {
		w.pace = in.Interval
		f.learnPace(in.Interval)
	}
	f.watch(w)
}

func (f *Fleet) learnPace(d time.Duration) {
	if f.pace == 0 {
		f.pace = d
	}
	f.pace = max(1, f.pace+(d-f.pace)/8)
}
