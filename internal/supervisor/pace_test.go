package supervisor

import (
	"testing"
	"time"
)

// answersOf lets a pace learn of full windows of tasks that each take the same.
func answersOf(p *pace, batches int, each time.Duration) {
	for range batches {
		p.learn(p.window, 0, time.Duration(p.window)*each)
	}
}

func TestPace(t *testing.T) {
	p := pace{window: 1, most: mostWindow}
	answersOf(&p, 8, time.Microsecond)
	if p.window != 100 {
		t.Errorf("the window is %d, want 100 µs of work", p.window)
	}
	p.learn(1, 0, time.Millisecond) // the machine had no time
	answersOf(&p, 8, time.Microsecond)
	if p.window < 50 {
		t.Errorf("the window is %d a few answers after a slow one", p.window)
	}
	answersOf(&p, 4, 10*time.Millisecond)
	if p.window != 1 {
		t.Errorf("the window is %d, though tasks are slow now", p.window)
	}
	p = pace{window: 1, most: mostWindow}
	p.learn(1, 0, 0) // by a clock that stands still
	answersOf(&p, 8, time.Microsecond)
	if p.window < 50 {
		t.Errorf("the window is %d after a task that took no time", p.window)
	}
}

// A successor begins where others are, and its first tasks say nothing.
func TestPaceInherits(t *testing.T) {
	p := pace{window: 1, most: 64}
	p.inherit(0)
	if p.window != 1 || p.unsure {
		t.Errorf("the window is %d, and nothing is known", p.window)
	}
	p.inherit(1000)
	if p.window != 64 {
		t.Errorf("the window is %d, want all that it holds", p.window)
	}
	answersOf(&p, 1, time.Millisecond)
	if p.window != 64 {
		t.Errorf("the window is %d after the first answers", p.window)
	}
	answersOf(&p, 4, 10*time.Millisecond)
	if p.window != 1 {
		t.Errorf("the window is %d, though tasks are slow", p.window)
	}
	p.inherit(1000)
	if p.window != 1 {
		t.Error("it forgets what it has learned")
	}
}
