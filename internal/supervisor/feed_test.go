package supervisor

import (
	"testing"
	"testing/synctest"

	"github.com/procpool/procpool/internal/queue"
)

// A worker may take so many runs of tasks, one after another, that several others are named to be fed as well. Each of them
// rests again when the work is done: one that nobody feeds would never be given a task any more.
func TestFeedsWhoeverIsNamed(t *testing.T) {
	const places = 4
	synctest.Test(t, func(t *testing.T) {
		s, q := newManyFakes(t, places, honest)
		for range 8 {
			<-put(t, s, q, &queue.Task{Name: "x"}).done // so that the window of one grows
			synctest.Wait()
		}
		c := manyOf(40)
		c.Holes = true // the others of its items come singly, each a run
		submit(t, s, q, c)
		synctest.Wait()
		if got := q.Snapshot(); got.Idle != places || got.Queued+got.Inflight != 0 {
			t.Errorf("of %d workers %d rest, %d tasks wait and %d run", places, got.Idle, got.Queued, got.Inflight)
		}
		s.Terminate(errOver)
		<-s.Written()
	})
}
