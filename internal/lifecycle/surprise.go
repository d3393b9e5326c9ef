package lifecycle

import "time"

// surprise remembers workers that had to leave at once while nobody was ready to take their place: after a panic, or when a
// task asked for it in its last moment. Nothing announces those, so what can be learned is only that they happen. One is
// an accident, and costs a start; when they come again, successors stand by.
type surprise struct {
	last time.Time
	row  int           // so many, none further than surpriseLasts from the next
	gap  time.Duration // between two of them, on average
}

// surpriseLasts is how long successors stand by after the last one. Two that are further apart are two accidents.
const surpriseLasts = time.Minute

func (s *surprise) add(now time.Time) {
	gap := max(1, now.Sub(s.last))
	switch {
	case gap > surpriseLasts:
		s.row = 0
	case s.row == 1:
		s.gap = gap
	default:
		s.gap = max(1, s.gap+(gap-s.gap)/4)
	}
	s.last = now
	s.row++
}

// standby is how many successors are kept ready for workers that leave without notice: as many as leave within one start,
// but not more than have surprised us again.
func (f *Fleet) standby() int {
	s := &f.surprise
	ends := s.last.Add(surpriseLasts)
	if s.row < 2 || f.closed || !f.now.Before(ends) {
		return 0
	}
	f.wake(ends)
	return min(f.target, s.row-1, 1+int(f.starts.ample()/s.gap))
}
