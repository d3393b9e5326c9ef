package lifecycle

import "time"

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
	pace := w.pace
	if pace == 0 {
		pace = f.pace
	}
	start := f.starts.ample()
	if pace == 0 || start == 0 {
		return (w.budget + 1) / 2
	}
	return int(min(int64(w.budget), 1+int64((start-1)/pace)))
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
	case w.budget == 0 || in.Left < 0 || in.Left > w.budget:
		f.refuse(in, "not within its budget")
		return
	}
	w.left = in.Left
	if in.Interval > 0 {
		w.pace = in.Interval
		f.learnPace(in.Interval)
	}
	if w.left == 0 {
		f.spent(w)
		return
	}
	f.watch(w)
}

func (f *Fleet) learnPace(d time.Duration) {
	if f.pace == 0 {
		f.pace = d
	}
	f.pace = max(1, f.pace+(d-f.pace)/8)
}
