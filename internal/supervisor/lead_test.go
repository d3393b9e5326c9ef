package supervisor

import (
	"testing"
	"time"

	"github.com/procpool/procpool/internal/queue"
)

// caller is somebody who waits for one answer, and nothing else ends his wait.
type caller struct{ once }

func (*caller) Ready() bool    { return false }
func (*caller) Restless() bool { return false }

// A caller asks for a late alarm only where his own task is: somebody else may have fed it to another worker, whose
// answer wakes nobody who waits here.
func TestPatience(t *testing.T) {
	mine, other := &caller{}, &caller{}
	run := func(c *caller) queue.Run { return queue.Run{Entry: queue.Entry{Call: &queue.Call{Sink: c}}, To: 1} }
	for name, tt := range map[string]struct {
		runs []queue.Run
		want time.Duration
	}{
		"his own":        {[]queue.Run{run(mine)}, leadLong},
		"none":           {nil, leadTurn},
		"another's":      {[]queue.Run{run(other)}, leadTurn},
		"not alone":      {[]queue.Run{run(mine), run(other)}, leadTurn},
		"one taken back": {[]queue.Run{{To: 1}}, leadTurn},
	} {
		l := &link{interval: 1000}
		for _, r := range tt.runs {
			l.flight.push(&r)
		}
		if _, each := l.patience(mine); each != tt.want {
			t.Errorf("%s: he waits for %v, want %v", name, each, tt.want)
		}
	}
}
