package supervisor

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/procpool/procpool/internal/queue"
	"github.com/procpool/procpool/internal/wire"
)

// A worker closes its channel under a task and lives on, and nothing can be learned of its process. It is ended.
func TestSilentUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, q := newFakes(t, func(f *fake) {
			for h := range f.frames() {
				switch h.Type {
				case wire.Setup:
					f.hello()
					f.say(wire.Ready, 0, nil)
				case wire.Call:
					f.board.Claim(h.Seq)
					f.peer.Close()
				}
			}
			<-f.exited
		})
		sink := put(t, s, q, &queue.Task{Name: "x"})
		select {
		case <-sink.done:
		case <-time.After(time.Hour):
			t.Error("its task is not resolved")
		}
		s.Terminate(errOver)
		<-s.Written()
	})
}
