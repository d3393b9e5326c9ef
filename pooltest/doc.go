// Package pooltest helps to test programs that use procpool: its workers misbehave when and how a test wants them to, and
// its leak check tells what a test left behind.
//
// A [Fault] says at which [Point] of a worker's life which [Behaviour] shows. [Misbehave] makes a start method of faults,
// [Env] makes the copies of this program that [procpool.Spawn] starts have them. Apart from its faults such a worker is
// a common one: it runs the tasks that the test program defines.
//
//	func TestImportSurvivesADeath(t *testing.T) {
//		pooltest.Check(t)
//		pool, err := procpool.New(procpool.Config{
//			StartMethod: pooltest.Misbehave(t, pooltest.Fault{At: pooltest.InFunction, Do: pooltest.Kill, Times: 1}),
//		})
//		...
//	}
//
// What the pool makes of it depends on whether a task had started:
//
//	BeforeHello, InInitializer, Idle   no task fails; the start counts as failed
//	Received                           no task fails: it had not started, and runs elsewhere
//	InFunction, InResult               that task, and no other, fails with a *procpool.WorkerError
//	AfterResult, Retiring, Stopping    no task fails: its result was out
//
// Workers need Linux or macOS. The tests of a program need procpool.WorkerMain in TestMain, as for Spawn.
package pooltest
