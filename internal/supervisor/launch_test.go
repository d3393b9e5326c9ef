package supervisor

import (
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/procpool/procpool/internal/transport"
)

// A few workers are launched at a time, and in the end all of them.
func TestFewLaunchesAtATime(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(3))
	synctest.Test(t, func(t *testing.T) {
		const places = 50
		var at, all atomic.Int32
		turn := make(chan struct{})
		honestly := launchFakes(honest, honest)
		launch := func(name string, prime func(transport.Conn, *transport.Board)) (Process, error) {
			at.Add(1)
			all.Add(1)
			<-turn
			at.Add(-1)
			return honestly(name, prime)
		}
		go func() { // ends when every worker was launched
			for range places {
				synctest.Wait()
				if n := at.Load(); n > 2*3 || all.Load() < places && n < 2*3 {
					t.Errorf("%d workers are launched at a time, want %d", n, 2*3)
				}
				turn <- struct{}{}
			}
		}()
		s, _ := startFakes(t, places, launch)
		if n := all.Load(); n != places {
			t.Errorf("%d workers were launched", n)
		}
		s.Terminate(errOver)
		<-s.Written()
	})
}
