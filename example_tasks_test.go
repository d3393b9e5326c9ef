package procpool_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/procpool/procpool"
)

// In a program, main would begin with procpool.WorkerMain(); here TestMain does.
var (
	exSquare = procpool.Define("example.square", func(_ context.Context, n int) (int, error) { return n * n, nil })
	exPower  = procpool.Define2("example.power", func(_ context.Context, base, exp int) (int, error) {
		p := 1
		for range exp {
			p *= base
		}
		return p, nil
	})
	exOpen = procpool.Define("example.open", func(_ context.Context, path string) (int, error) {
		f, err := os.Open(path)
		if err != nil {
			return 0, err
		}
		return 0, f.Close()
	})
	exWait = procpool.Define("example.wait", func(ctx context.Context, _ int) (string, error) {
		<-ctx.Done()
		return "what there was in time", nil
	})
	exCrash = procpool.Define("example.crash", func(ctx context.Context, times int) (string, error) {
		if task, _ := procpool.CurrentTask(ctx); task.Attempt <= times {
			os.Exit(1)
		}
		return "done", nil
	})
	exTenant = procpool.Define("example.tenant", func(ctx context.Context, _ int) (string, error) {
		task, _ := procpool.CurrentTask(ctx)
		return task.Metadata["tenant"], nil
	})
)

// examplePool is a pool for an example, and what ends it.
func examplePool(cfg procpool.Config) (context.Context, *procpool.Pool, func()) {
	ctx := context.Background()
	pool, err := procpool.New(cfg)
	if err != nil {
		panic(err)
	}
	return ctx, pool, func() {
		if err := pool.Shutdown(ctx); err != nil {
			panic(err)
		}
	}
}

func ExampleTask_Apply() {
	ctx, pool, shutdown := examplePool(procpool.Config{Processes: 2})
	defer shutdown()
	fmt.Println(exSquare.Apply(ctx, pool, 7))
	// Output: 49 <nil>
}

func ExampleTask_ApplyAsync() {
	ctx, pool, shutdown := examplePool(procpool.Config{Processes: 2})
	a := exSquare.ApplyAsync(ctx, pool, 7)
	b := exSquare.ApplyAsync(ctx, pool, 8).OnSuccess(func(v int) { fmt.Println("called back with", v) })
	va, _ := a.Get(ctx)
	vb, _ := b.Get(ctx)
	shutdown() // waits for callbacks too
	fmt.Println(va, vb)
	// Output:
	// called back with 64
	// 49 64
}

func ExampleTask_Map() {
	ctx, pool, shutdown := examplePool(procpool.Config{Processes: 2})
	defer shutdown()
	fmt.Println(exSquare.Map(ctx, pool, []int{1, 2, 3}))

	_, err := exOpen.Map(ctx, pool, []string{"/dev/null", "/nobody/here"})
	fmt.Println(errors.Is(err, os.ErrNotExist))
	for _, item := range err.(*procpool.MapError).Items {
		fmt.Println(item)
	}
	// Output:
	// [1 4 9] <nil>
	// true
	// item 1: task example.open: open /nobody/here: no such file or directory
}

func ExampleTask_IMap() {
	ctx, pool, shutdown := examplePool(procpool.Config{Processes: 2})
	defer shutdown()
	for v, err := range exSquare.IMap(ctx, pool, slices.Values([]int{1, 2, 3})) {
		fmt.Println(v, err)
	}
	// Output:
	// 1 <nil>
	// 4 <nil>
	// 9 <nil>
}

func ExampleTask_IMapUnordered() {
	ctx, pool, shutdown := examplePool(procpool.Config{Processes: 2})
	defer shutdown()
	for item := range exSquare.IMapUnordered(ctx, pool, slices.Values([]int{1, 2, 3})) {
		fmt.Println(item.Index, item.Value, item.Err)
	}
	// Unordered output:
	// 0 1 <nil>
	// 1 4 <nil>
	// 2 9 <nil>
}

// Map over Args2 is Python's starmap.
func ExampleDefine2() {
	ctx, pool, shutdown := examplePool(procpool.Config{Processes: 2})
	defer shutdown()
	fmt.Println(exPower.Map(ctx, pool, []procpool.Args2[int, int]{procpool.Two(2, 10), procpool.Two(3, 3)}))
	// Output: [1024 27] <nil>
}

func ExampleCallOptions_timeout() {
	ctx, pool, shutdown := examplePool(procpool.Config{Processes: 1})
	defer shutdown()
	// The function's context ends after 10 ms; what it then returns is the result.
	fmt.Println(exWait.With(procpool.CallOptions{Timeout: 10 * time.Millisecond}).Apply(ctx, pool, 0))
	// Output: what there was in time <nil>
}

func ExampleAsyncResult_Cancel() {
	ctx, pool, shutdown := examplePool(procpool.Config{Processes: 1})
	defer shutdown()
	r := exWait.ApplyAsync(ctx, pool, 0)
	r.Cancel()
	_, err := r.Get(ctx)
	fmt.Println(err)
	// Output: context canceled
}

func ExampleCallOptions_retries() {
	ctx, pool, shutdown := examplePool(procpool.Config{Processes: 1})
	defer shutdown()
	fmt.Println(exCrash.With(procpool.CallOptions{Retries: 2}).Apply(ctx, pool, 1))

	_, err := exCrash.Apply(ctx, pool, 1)
	if e, ok := errors.AsType[*procpool.WorkerError](err); ok {
		fmt.Println(e.Cause, e.ExitCode)
	}
	// Output:
	// done <nil>
	// exited 1
}

func ExampleCallOptions_priority() {
	ctx, pool, shutdown := examplePool(procpool.Config{Processes: 1})
	defer shutdown()
	urgent := exSquare.With(procpool.CallOptions{Priority: 10}) // before all that waits with less
	fmt.Println(urgent.Apply(ctx, pool, 3))
	// Output: 9 <nil>
}

func ExampleCurrentTask() {
	ctx, pool, shutdown := examplePool(procpool.Config{Processes: 1})
	defer shutdown()
	forAcme := exTenant.With(procpool.CallOptions{Metadata: map[string]string{"tenant": "acme"}})
	fmt.Println(forAcme.Apply(ctx, pool, 0))
	// Output: acme <nil>
}
