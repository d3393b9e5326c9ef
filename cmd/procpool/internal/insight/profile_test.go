package insight

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/procpool/procpool"
	"github.com/procpool/procpool/event"
)

// However many workers come and go, the busiest are shown, the others are counted, and memory is bounded.
func TestManyWorkers(t *testing.T) {
	const workers = 10_000
	p := NewProfile()
	for i := range workers {
		w := event.Worker{Name: fmt.Sprintf("Worker-%d", i)}
		p.Note(event.WorkerReady{Worker: w, Took: time.Millisecond})
		p.Note(event.TaskFinished{Worker: w, Run: time.Duration(i*7919%workers) * time.Second})
		p.Note(event.TaskFinished{Worker: w, Run: time.Second})
		if i < workers-2 { // two are living at the end
			p.Note(event.WorkerExited{Worker: w})
		}
		if n := len(p.living) + len(p.busiest); n > 100 {
			t.Fatalf("%d workers are remembered", n)
		}
	}
	p.Note(event.WorkerReady{Worker: event.Worker{Name: "Idle"}})
	p.Note(event.WorkerExited{Worker: event.Worker{Name: "Idle"}})
	p.Note(event.TaskFinished{Run: time.Hour}) // of a task that no worker had
	var b strings.Builder
	p.Print(&b, procpool.Stats{})
	var names []string
	for line := range strings.Lines(b.String()) {
		if name, _, _ := strings.Cut(line, " "); strings.HasPrefix(name, "Worker-") {
			names = append(names, name)
		}
	}
	var want []string
	for rank := range workersMost {
		for i := range workers {
			if i*7919%workers == workers-1-rank {
				want = append(want, fmt.Sprintf("Worker-%d", i))
			}
		}
	}
	if strings.Join(names, " ") != strings.Join(want, " ") {
		t.Errorf("the busiest are %v, want %v", names, want)
	}
	if more := fmt.Sprintf("... and %d more workers", workers-workersMost); !strings.Contains(b.String(), more) {
		t.Errorf("want %q in\n%s", more, &b)
	}
}
