//go:build linux || darwin

package pooltest_test

import (
	"context"
	"errors"
	"testing"

	"github.com/procpool/procpool"
	"github.com/procpool/procpool/pooltest"
)

// importAll is the code of a user that is to survive the death of a worker: it asks for each item once more.
func importAll(ctx context.Context, pool *procpool.Pool, items []int) (sum int, err error) {
	for _, item := range items {
		v, err := square.Apply(ctx, pool, item)
		if _, died := errors.AsType[*procpool.WorkerError](err); died {
			v, err = square.Apply(ctx, pool, item)
		}
		if err != nil {
			return 0, err
		}
		sum += v
	}
	return sum, nil
}

// A test of own code against the death of a worker: one is killed under its first task, and nothing may be left behind.
func ExampleMisbehave() {
	test := func(t *testing.T) {
		pooltest.Check(t)
		pool, err := procpool.New(procpool.Config{
			Processes:   2,
			StartMethod: pooltest.Misbehave(t, pooltest.Fault{At: pooltest.InFunction, Do: pooltest.Kill, Times: 1}),
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(pool.Terminate)
		if sum, err := importAll(t.Context(), pool, []int{1, 2, 3}); sum != 14 || err != nil {
			t.Errorf("%d, %v, want 14", sum, err)
		}
	}
	_ = test // go test runs it as TestImportSurvivesADeath
}

// Workers that take their time to start, so that a test sees what happens before the first one is ready.
func ExampleEnv() {
	test := func(t *testing.T) {
		pooltest.Check(t)
		pool, err := procpool.New(procpool.Config{
			Env: pooltest.Env(t, pooltest.Fault{At: pooltest.BeforeHello, Do: pooltest.Hang}),
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(pool.Terminate)
		// ...
	}
	_ = test
}

func TestImportSurvivesADeath(t *testing.T) {
	pooltest.Check(t)
	pool, ctx := newPool(t, procpool.Config{
		Processes:   2,
		StartMethod: pooltest.Misbehave(t, pooltest.Fault{At: pooltest.InFunction, Do: pooltest.Kill, Times: 1}),
	})
	if sum, err := importAll(ctx, pool, []int{1, 2, 3}); sum != 14 || err != nil {
		t.Errorf("%d, %v, want 14", sum, err)
	}
}
