// Package progress shows how far a run is: a bar on a terminal, plain lines elsewhere.
package progress

import (
	"io"
	"os"
	"sync"

	"golang.org/x/term"
)

// Screen keeps a bar and other output apart: whatever is written through it takes the bar's place, which then comes
// again below.
type Screen struct {
	mu  sync.Mutex
	bar *bar // nil: none
}

// Writer returns a writer to f that knows of the bar.
func (s *Screen) Writer(f *os.File) io.Writer {
	return &writer{s, f, term.IsTerminal(int(f.Fd()))}
}

// writer writes to a file beside the bar.
type writer struct {
	screen   *Screen
	f        *os.File
	terminal bool
}

func (w *writer) Write(p []byte) (int, error) {
	if !w.terminal { // it may block for long, and nothing is to be cleared
		return w.f.Write(p)
	}
	w.screen.mu.Lock()
	defer w.screen.mu.Unlock()
	if w.screen.bar != nil {
		w.screen.bar.clear()
	}
	return w.f.Write(p)
}
