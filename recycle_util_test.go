package procpool_test

import (
	"context"
	"errors"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/procpool/procpool"
	"github.com/procpool/procpool/event"
)

var (
	recycleSleep = procpool.Define("recycle.sleep", func(ctx context.Context, d time.Duration) (string, error) {
		time.Sleep(d)
		w, _ := procpool.CurrentWorker(ctx)
		return w.Name, nil
	})
	recycleInit = procpool.DefineInitializer("recycle.init", func(_ context.Context, d time.Duration) (func(), error) {
		time.Sleep(d)
		return nil, nil
	})
)

// recyclePool starts a pool that is terminated at the test's end, and records its events.
func recyclePool(t testing.TB, cfg procpool.Config) (*procpool.Pool, *recycleLog) {
	t.Helper()
	log := &recycleLog{changed: make(chan struct{})}
	cfg.OnEvent = log.add
	cfg.Env = append(cfg.Env, "GORACE=atexit_sleep_ms=0") // else a worker under the race detector takes a second to exit
	p, err := procpool.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Terminate)
	return p, log
}

func recycleContext(t testing.TB) context.Context {
	ctx, done := context.WithTimeout(context.Background(), 60*time.Second)
	t.Cleanup(done)
	return ctx
}

// recycleLog keeps events.
type recycleLog struct {
	mu      sync.Mutex
	events  []event.Event
	changed chan struct{} // closed at the next event
}

func (l *recycleLog) add(e event.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events = append(l.events, e)
	close(l.changed)
	l.changed = make(chan struct{})
}

// recycleWait waits until n events of a kind satisfy ok, and returns them.
func recycleWait[E event.Event](ctx context.Context, t testing.TB, l *recycleLog, n int, ok func(E) bool) []E {
	t.Helper()
	for {
		l.mu.Lock()
		var found []E
		for _, e := range l.events {
			if e, is := e.(E); is && ok(e) {
				found = append(found, e)
			}
		}
		changed := l.changed
		l.mu.Unlock()
		if len(found) >= n {
			return found
		}
		select {
		case <-changed:
		case <-ctx.Done():
			t.Fatalf("%d of %d events %T; exits: %+v", len(found), n, *new(E), recycleSeen[event.WorkerExited](l))
		}
	}
}

func recycleSeen[E event.Event](l *recycleLog) (found []E) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.events {
		if e, is := e.(E); is {
			found = append(found, e)
		}
	}
	return found
}

func exitedFor(r event.Reason) func(event.WorkerExited) bool {
	return func(e event.WorkerExited) bool { return e.Reason == r }
}

// recycleFlag fails while a file exists.
var recycleFlag = procpool.DefineInitializer("recycle.flag", func(_ context.Context, file string) (func(), error) {
	if _, err := os.Stat(file); err == nil {
		return nil, errors.New("the flag is up")
	}
	return nil, nil
})

func raise(t *testing.T, flag string) {
	t.Helper()
	if err := os.WriteFile(flag, nil, 0o600); err != nil {
		t.Fatal(err)
	}
}
