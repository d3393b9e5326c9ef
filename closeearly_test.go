package procpool_test

import (
	"testing"
	"time"

	"github.com/procpool/procpool"
	"github.com/procpool/procpool/pooltest"
)

// A pool that is closed while its workers are being started ends as soon as they have come up: the frame that tells a
// worker to leave is not lost when there is no channel to it yet.
func TestCloseBeforeWorkersHaveChannels(t *testing.T) {
	pooltest.Check(t)
	const grace = time.Minute // what a worker that was not told to leave would stay
	for range 20 {
		p, err := procpool.New(procpool.Config{Processes: 1, Grace: grace})
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Resize(4); err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		if err := p.Shutdown(t.Context()); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begin); took >= grace {
			t.Fatalf("it took %v to shut down a pool that did nothing", took)
		}
	}
}
