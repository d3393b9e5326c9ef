package supervisor

import (
	"testing"
	"testing/synctest"
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
		l := &link{pace: pace{service: 1000}}
		for _, r := range tt.runs {
			l.flight.push(&r)
		}
		l.sole = l.flight.sole()
		if _, each := l.patience(mine); each != tt.want {
			t.Errorf("%s: he waits for %v, want %v", name, each, tt.want)
		}
	}
}

// A caller collects for others on the way to his own answer. That ends, though there is always one more for them: his own may
// come from another worker, and nobody watches his context meanwhile.
func TestLeadEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, q := newFakes(t, honest)
		synctest.Wait()
		feed, _, err := q.Put(manyOf(10_000), false)
		if err != nil {
			t.Fatal(err)
		}
		Feed(feed, 0, &caller{})
		if got := q.Snapshot(); got.Queued == 0 {
			t.Errorf("he collected all %d answers, and none was his", got.Canceled)
		}
		synctest.Wait()
		if got := q.Snapshot(); got.Queued+got.Inflight > 0 {
			t.Errorf("nobody goes on when he leaves: %d wait, %d run", got.Queued, got.Inflight)
		}
		s.Terminate(errOver)
		<-s.Written()
	})
}
