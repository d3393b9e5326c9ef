package supervisor

import (
	"bytes"
	"errors"
	"io"
	"os"
	"sync"

	"github.com/procpool/procpool/internal/process"
)

// longestLine is where a line is split.
const longestLine = 64 << 10

// outlet carries what workers print to a writer: whole lines, one worker at a time.
type outlet struct {
	out  io.Writer
	turn chan struct{} // holds a token while nobody writes; shared by the outlets of a pool
}

// drain reads f until its end, or until its read deadline is set, which says that the process is gone: then what the pipe
// holds is read, and nobody waits for the end of file, which a descendant that got away could put off for ever. It
// closes f.
func (o *outlet) drain(f *os.File, t *tail) {
	defer f.Close()
	raw, err := f.SyscallConn()
	if err != nil {
		return
	}
	var rest []byte
	for {
		var left error
		err := raw.Read(func(fd uintptr) bool {
			rest, left = o.readAll(fd, rest, t)
			return left != process.ErrNothing // else wait until there is something to read
		})
		if errors.Is(err, os.ErrDeadlineExceeded) {
			raw.Control(func(fd uintptr) { rest, _ = o.readAll(fd, rest, t) })
			break
		}
		if err != nil || left != nil {
			break
		}
	}
	if len(rest) > 0 {
		o.write(append(rest, '\n'), t)
	}
}

// drainPerExit bounds what is read from a pipe that a descendant which got away keeps writing to.
const drainPerExit = 16 << 20

// readAll reads what there is and writes the whole lines. It returns what is left of the last line, and why there is nothing
// more to read; nil if there may be.
func (o *outlet) readAll(fd uintptr, rest []byte, t *tail) ([]byte, error) {
	p := buffers.Get().(*[]byte)
	defer buffers.Put(p)
	for total := 0; total < drainPerExit; {
		n, err := process.ReadFD(fd, *p)
		if err != nil {
			return rest, err
		}
		total += n
		rest = o.lines(rest, (*p)[:n], t)
	}
	return rest, nil
}

// lines writes the whole lines of rest and p, and returns what is left.
func (o *outlet) lines(rest, p []byte, t *tail) []byte {
	if first := bytes.IndexByte(p, '\n'); len(rest)+first > longestLine {
		cut := longestLine - len(rest)
		o.write(append(append(rest, p[:cut]...), '\n'), t)
		rest, p = rest[:0], p[cut:]
	}
	if end := bytes.LastIndexByte(p, '\n') + 1; end > 0 {
		if len(rest) > 0 {
			o.write(append(rest, p[:end]...), t)
		} else {
			o.write(p[:end], t)
		}
		rest, p = rest[:0], p[end:]
	}
	rest = append(rest, p...)
	for len(rest) >= longestLine {
		o.write(append(bytes.Clone(rest[:longestLine]), '\n'), t)
		rest = append(rest[:0], rest[longestLine:]...)
	}
	if len(rest) == 0 {
		return nil
	}
	return rest
}

func (o *outlet) write(p []byte, t *tail) {
	if t != nil {
		t.add(p)
	}
	<-o.turn
	defer func() { o.turn <- struct{}{} }()
	o.out.Write(p)
}

// tailSize is how much of a worker's stderr is kept for errors.
const tailSize = 16 << 10

// tail keeps the last of what a worker wrote. Its memory is made when there is something to keep.
type tail struct {
	mu   sync.Mutex
	text []byte
	cut  bool
}

func (t *tail) add(p []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	if over := len(t.text) - tailSize; over > 0 {
		t.text = append(t.text[:0], t.text[over:]...)
		t.cut = true
	}
}

// String returns the last lines, whole.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	text := t.text
	if t.cut {
		if i := bytes.IndexByte(text, '\n'); i >= 0 && i+1 < len(text) {
			text = text[i+1:]
		}
	}
	return string(text)
}
