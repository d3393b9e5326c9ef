package procpool_test

import (
	"context"
	"testing"
	"time"

	"github.com/procpool/procpool"
	"github.com/procpool/procpool/pooltest"
)

var goroutinesPatient = procpool.Define("goroutines.patient", func(ctx context.Context, _ int) (int, error) {
	<-ctx.Done()
	return 0, ctx.Err()
})

// A goroutine cannot be killed, but its context can end: one that looks at it leaves nothing behind.
func TestTerminateEndsTheContextOfGoroutines(t *testing.T) {
	pooltest.Check(t)
	pool, err := procpool.New(procpool.Config{Processes: 2, StartMethod: procpool.Goroutines(), Grace: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	one := goroutinesPatient.ApplyAsync(t.Context(), pool, 1)
	two := goroutinesPatient.ApplyAsync(t.Context(), pool, 2)
	two.Cancel()
	pool.Terminate()
	if _, err := one.Get(t.Context()); err != procpool.ErrTerminated {
		t.Error(err)
	}
}
