// Package procpool is Python's multiprocessing.Pool for Go: typed functions run in reusable worker processes, which can
// crash, leak, hang and be killed without taking the program, or any other task, with them.
//
//	var square = procpool.Define("square", func(_ context.Context, n int) (int, error) { return n * n, nil })
//
//	func main() {
//		procpool.WorkerMain() // in a worker process, main ends here
//		pool, err := procpool.New(procpool.Config{Processes: 4, MaxTasksPerChild: 100})
//		if err != nil {
//			panic(err)
//		}
//		defer pool.Terminate()
//		squares, err := square.Map(context.Background(), pool, []int{1, 2, 3, 4})
//		fmt.Println(squares, err) // [1 4 9 16] <nil>
//	}
//
// # Tasks
//
// A [Task] names a function that workers can run; [Define] makes one of a Go function, [Declare] one of a function that only
// the workers have. [Task.Apply] waits for the result, [Task.ApplyAsync] gives an [AsyncResult]; [Task.Map], [Task.IMap] and
// [Task.IMapUnordered] run a task for many items, each a task of its own. [CallOptions] set timeouts, retries, priorities.
// Contexts govern tasks: when one ends, its task is removed from the queue, or stopped in its worker.
//
// # The pool
//
// A [Pool] keeps as many workers as [Config] says, and replaces them: after MaxTasksPerChild tasks, by [Recycle]'s reasons, or
// when they die. [Pool.Close] and [Pool.Join] let everything finish, [Pool.Terminate] does not; [Pool.Shutdown] is the one and
// then the other. [StartMethod] says what a worker is: this program again ([Spawn]), any program that speaks the protocol
// ([Command]), a line filter ([Lines]), or, for tests, a goroutine ([Goroutines]). Package workers/python runs Python
// functions.
//
// # The promise
//
// Every accepted task resolves exactly once, with a result or with one of these errors, whatever dies and whenever:
// [TaskError] for what the function returned or panicked with, [WorkerError] for a process that died under it, [StartError]
// when workers cannot start, [EncodeError] for values that cannot cross, ErrTerminated, or the caller's context's own error.
// A death costs exactly the one task that was running; what had not started runs elsewhere, unnoticed; what had started
// never runs twice, unless CallOptions.Retries allows it.
//
// # Seeing it
//
// [Pool.Stats] and [Pool.Workers] are snapshots; [Config.OnEvent] and [Pool.Observe] tell everything that happens, as
// the data of package event, which observe/* turns into logs, metrics, traces and progress, and dashboard into a page.
package procpool
