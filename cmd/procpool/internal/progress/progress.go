package progress

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/term"
)

// State is how far a run is.
type State struct {
	Done, Failed int
	Before       int // of those done, in earlier runs
	Total        int // 0: not known
	Busy         int // workers
	Workers      int
	Recycled     int // workers replaced as planned
}

// details is what a bar has no place for.
func (s State) details() string {
	text := fmt.Sprintf("%d/%d busy", s.Busy, s.Workers)
	if s.Failed > 0 {
		text += fmt.Sprintf(", %d failed", s.Failed)
	}
	if s.Recycled > 0 {
		text += fmt.Sprintf(", %d recycled", s.Recycled)
	}
	return text
}

// line is the state as a plain line.
func (s State) line(took time.Duration) string {
	rate := float64(s.Done-s.Before) / max(took.Seconds(), 1e-3)
	count := fmt.Sprint(s.Done)
	left := ""
	if s.Total > 0 {
		count += fmt.Sprintf("/%d", s.Total)
		if rate > 0 && s.Total > s.Done {
			left = fmt.Sprintf(", %v left", time.Duration(float64(s.Total-s.Done)/rate*1e9).Round(time.Second))
		}
	}
	return fmt.Sprintf("%s items, %.0f/s%s, %s", count, rate, left, s.details())
}

// Progress shows a run until Stop.
type Progress struct {
	screen *Screen
	out    io.Writer
	state  func() State
	began  time.Time
	always bool
	stop   chan struct{}
	done   sync.WaitGroup
}

// When says when progress is shown.
type When string

// The choices.
const (
	Auto   When = "auto"   // a bar on a terminal, else a line every few seconds
	Always When = "always" // the same, and a line at the end
	Never  When = "never"
)

const (
	perFrame = 100 * time.Millisecond
	perLine  = 5 * time.Second
)

// Start shows a run's progress on f, which is standard error.
func Start(s *Screen, f *os.File, when When, state func() State) *Progress {
	p := &Progress{screen: s, out: s.Writer(f), state: state, began: time.Now(), always: when == Always, stop: make(chan struct{})}
	if when == Never {
		return p
	}
	period, show := perLine, p.line
	if term.IsTerminal(int(f.Fd())) {
		s.mu.Lock()
		s.bar = newBar(f)
		s.mu.Unlock()
		period, show = perFrame, p.frame
	}
	p.done.Go(func() { p.run(period, show) }) // ends at Stop, which waits for it
	return p
}

func (p *Progress) run(period time.Duration, show func()) {
	t := time.NewTicker(period)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			show()
		case <-p.stop:
			return
		}
	}
}

func (p *Progress) line() {
	fmt.Fprintf(p.out, "procpool: %s\n", p.state().line(time.Since(p.began)))
}

func (p *Progress) frame() {
	state := p.state()
	p.screen.mu.Lock()
	defer p.screen.mu.Unlock()
	p.screen.bar.show(state)
}

// Stop takes the bar away. What is written afterwards stands where it was.
func (p *Progress) Stop() {
	close(p.stop)
	p.done.Wait()
	p.screen.mu.Lock()
	if p.screen.bar != nil {
		p.screen.bar.clear()
		p.screen.bar = nil
	}
	p.screen.mu.Unlock()
	if p.always {
		p.line()
	}
}
