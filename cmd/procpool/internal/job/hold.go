package job

import (
	"bytes"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/procpool/procpool/cmd/procpool/internal/mapper"
	"github.com/procpool/procpool/cmd/procpool/internal/printer"
)

// hold keeps what workers print until one has proved that it works. When none does, their complaints, which are all the
// same, are told once, with the pool's error.
type hold struct {
	out io.Writer

	mu   sync.Mutex
	free bool
	held bytes.Buffer
}

// mostHeld is how much is kept.
const mostHeld = 64 << 10

func (h *hold) Write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.free {
		return h.out.Write(p)
	}
	h.held.Write(p)
	if h.held.Len() > mostHeld {
		h.releaseLocked()
	}
	return len(p), nil
}

// release lets out what was kept, and what will come.
func (h *hold) release() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.releaseLocked()
}

func (h *hold) releaseLocked() {
	if !h.free {
		h.free = true
		h.out.Write(h.held.Bytes())
		h.held = bytes.Buffer{}
	}
}

// teller is a printer that notices the first result.
type teller struct {
	*printer.Printer
	j *job
}

// Tell prints a result.
func (t teller) Tell(r *mapper.Result) error {
	t.j.quiet.release()
	return t.Printer.Tell(r)
}

// silence is how long a filter may take for its first answer before it is asked whether it buffers.
const silence = 5 * time.Second

// hintAtBuffers tells of a filter's most common fault, which shows as endless silence. The function returned stops it.
func (j *job) hintAtBuffers() (stop func()) {
	if !j.Filter {
		return func() {}
	}
	t := time.AfterFunc(silence, func() {
		if j.mapper.Counts().Done() == 0 && j.pool.Stats().Running > 0 {
			fmt.Fprintln(j.stderr, "procpool: no answer yet: if the filter buffers its output, turn that off: "+
				"sed -u, grep --line-buffered, jq --unbuffered, stdbuf -oL CMD")
		}
	})
	return func() { t.Stop() }
}
