package procpool_test

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/procpool/procpool"
	"github.com/procpool/procpool/event"
	"github.com/procpool/procpool/pooltest"
)

// recycleOnce lets the first worker start, and holds up all others.
var recycleOnce = procpool.DefineInitializer("recycle.once", func(_ context.Context, file string) (func(), error) {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		time.Sleep(time.Hour)
	}
	return nil, f.Close()
})

// A worker that waits for its successor says why it will leave, with the numbers.
func TestRecycleFiguresInWorkers(t *testing.T) {
	const age = 50 * time.Millisecond
	pooltest.Check(t)
	ctx := recycleContext(t)
	p, log := recyclePool(t, procpool.Config{
		Processes: 1, Recycle: procpool.Recycle{Age: age}, Initializer: recycleOnce.Bind(t.TempDir() + "/started"),
	})
	recycleWait(ctx, t, log, 2, func(event.WorkerSpawned) bool { return true })
	if w := p.Workers()[0]; w.Reason != procpool.ReasonAge || w.Why.Age < age || w.State != procpool.StateReady {
		t.Errorf("the old one is %+v", w)
	}
}
