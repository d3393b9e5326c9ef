package supervisor

import (
	"testing"
	"testing/synctest"

	"github.com/procpool/procpool/internal/queue"
	"github.com/procpool/procpool/internal/wire"
)

// A worker that keeps its board at first, and then does not any more, is found out after a few quick answers, and replaced.
func TestLookAtTheBoard(t *testing.T) {
	const kept = 3
	synctest.Test(t, func(t *testing.T) {
		answered := 0 // by the first worker, which has ended before it is read
		s, q := newFakes(t, func(f *fake) {
			for h := range f.frames() {
				switch {
				case h.Type == wire.Setup:
					f.hello()
					f.say(wire.Ready, 0, nil)
				case h.Type == wire.Stop:
					return
				case h.Type == wire.Call && h.Seq <= kept:
					f.answer(h.Seq)
					answered++
				case h.Type == wire.Call:
					f.say(wire.Result, h.Seq, []byte{1})
					answered++
				}
			}
		})
		for range 5 * mostBlind {
			<-put(t, s, q, &queue.Task{Name: "x"}).done
			synctest.Wait()
		}
		if n := s.State().Started; n != 2 {
			t.Errorf("%d workers were started, want one and its successor", n)
		}
		s.Terminate(errOver)
		<-s.Written()
		if answered <= kept+1 || answered > kept+1+mostBlind {
			t.Errorf("it answered %d calls, of which it had started %d", answered, kept)
		}
	})
}
