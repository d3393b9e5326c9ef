package procpool_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/procpool/procpool"
)

var (
	exGreeting string
	exInit     = procpool.DefineInitializer("example.init", func(_ context.Context, g string) (cleanup func(), err error) {
		exGreeting = g // for example a connection, made once in each worker
		return func() { exGreeting = "" }, nil
	})
	exGreet = procpool.Define("example.greet", func(_ context.Context, name string) (string, error) {
		return exGreeting + ", " + name, nil
	})
	exTask = procpool.Define("example.nth", func(ctx context.Context, _ int) (int, error) {
		worker, _ := procpool.CurrentWorker(ctx)
		return worker.Tasks, nil
	})
)

func ExampleDefineInitializer() {
	ctx, pool, shutdown := examplePool(procpool.Config{Processes: 1, Initializer: exInit.Bind("Hello")})
	defer shutdown()
	fmt.Println(exGreet.Apply(ctx, pool, "gopher"))
	// Output: Hello, gopher <nil>
}

// Each worker runs three tasks and is replaced by a fresh one, which was ready in time.
func ExampleConfig_maxTasksPerChild() {
	ctx, pool, shutdown := examplePool(procpool.Config{Processes: 1, MaxTasksPerChild: 3})
	defer shutdown()
	for range 7 {
		n, _ := exTask.Apply(ctx, pool, 0)
		fmt.Print(n, " ")
	}
	// Output: 1 2 3 1 2 3 1
}

func ExampleQueue() {
	ctx, pool, shutdown := examplePool(procpool.Config{Processes: 1, Queue: procpool.Queue{Limit: 1, Reject: true}})
	defer shutdown()
	var rejected *procpool.AsyncResult[string]
	for rejected == nil {
		r := exWait.ApplyAsync(ctx, pool, 0)
		defer r.Cancel()
		if r.Ready() {
			rejected = r
		}
	}
	_, err := rejected.Get(ctx)
	fmt.Println(errors.Is(err, procpool.ErrQueueFull))
	// Output: true
}

func ExamplePool_Resize() {
	ctx, pool, shutdown := examplePool(procpool.Config{Processes: 1})
	defer shutdown()
	if err := pool.Resize(3); err != nil {
		fmt.Println(err)
	}
	fmt.Println(pool.WaitReady(ctx), pool.Stats().Processes)
	// Output: <nil> 3
}

func ExamplePool_Recycle() {
	ctx, pool, shutdown := examplePool(procpool.Config{Processes: 2})
	defer shutdown()
	fmt.Println(pool.WaitReady(ctx), pool.Recycle(ctx))
	fmt.Println(pool.Stats().Exits[procpool.ReasonRolling])
	// Output:
	// <nil> <nil>
	// 2
}

func ExamplePool_Stats() {
	ctx, pool, shutdown := examplePool(procpool.Config{Processes: 2})
	exSquare.Map(ctx, pool, []int{1, 2, 3})
	shutdown()
	s := pool.Stats()
	fmt.Println(s.Submitted, s.Succeeded, s.Failed, s.Exits[procpool.ReasonClosed])
	// Output: 3 3 0 2
}

// Goroutines need no processes: for tests, and where there are none.
func ExampleGoroutines() {
	ctx, pool, shutdown := examplePool(procpool.Config{Processes: 2, StartMethod: procpool.Goroutines()})
	defer shutdown()
	fmt.Println(exSquare.Apply(ctx, pool, 5))
	// Output: 25 <nil>
}

// A Go program whose main calls WorkerMain is a worker program; here it is this one.
func ExampleCommand() {
	ctx, pool, shutdown := examplePool(procpool.Config{Processes: 1, StartMethod: procpool.Command("/proc/self/exe")})
	defer shutdown()
	square := procpool.Declare[int, int]("example.square")
	fmt.Println(square.Apply(ctx, pool, 6))
	// Output: 36 <nil>
}

// Any filter that answers line by line is a worker.
func ExampleLines() {
	ctx, pool, shutdown := examplePool(procpool.Config{Processes: 1, StartMethod: procpool.Lines("sed", "-u", "s/^/> /")})
	defer shutdown()
	line := procpool.Declare[string, string]("line")
	fmt.Println(line.Apply(ctx, pool, "hello"))
	// Output: > hello <nil>
}
