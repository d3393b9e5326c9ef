// The tests of the public contract. This table says where each sentence of it is proved; names are of tests in this
// package, and rows of the comparison with Python are TestPnn_ and TestDnn_ in peers_test.go.
//
//	Tasks
//	  Define: duplicate, empty, late panic            TestDefineMistakes
//	  Define2, Define3, starmap                       TestDefineSeveralArguments
//	  Declare any time, any number of times           TestDeclareAnyTime
//	  With: a copy with exactly these options         TestWithIsACopy, TestBadCallOptions
//	  CurrentTask, CurrentWorker, metadata            TestCurrent
//	  RetireWorker                                    TestRetireWorker
//	  priorities, FIFO among equals                   TestPriority
//	  ctx's deadline crosses, its values do not       TestContextInWorker, TestContextDeadline
//	  full queue: Apply, ApplyAsync wait              TestQueueFullWaits
//	  full queue: Reject; Map and IMap never fail     TestQueueFullRejects
//	  a Map before Close is accepted whole            TestMapBeforeCloseIsWhole
//	  Map: order, successes in place, MapError        TestP15_MapKeepsOrder, TestMapReturnsSuccessesAndErrors
//	  Map: ctx ends, terminated, closed before        TestMapContextEnds, TestMapTerminated, TestMapClosedBefore
//	  Map: FailFast, empty                            TestMapFailFast, TestMapEmpty
//	  IMap: nothing starts until ranged, anew         TestIMapStartsWhenRanged
//	  IMap: never more than Window ahead              TestIMapWindow, TestIMapWindowWhileBodyWorks
//	  IMap: items fail in place                       TestIMapItemFails
//	  IMap: break, ctx, failure of the whole, panic   TestIMapBreak, TestIMapContextEnds, TestIMapFailsAsAWhole, TestIMapInputPanics
//	  IMapUnordered: completion order                 TestIMapUnorderedOrder
//	  no chunk size                                   TestD04_BatchesDoNotShow
//	The pool
//	  WorkerMain: marker and descriptors              TestProgramOfATask, TestWorkerSurroundings
//	  New without WorkerMain                          TestNewWithoutWorkerMain
//	  New: a first worker cannot be executed          TestProgramCannotBeExecuted, TestFirstStartsFailHalfWay
//	  New checks cfg                                  TestBadConfig
//	  WaitReady                                       TestWaitReadyContext, TestInitializerFails, TestProgramIsNoWorker
//	  Close, Join, Terminate, Shutdown                TestPoolLife, TestTerminate, TestShutdownGivesUp, TestCallbackEndsPool
//	  Resize, Recycle, Stats, Workers                 TestResize, TestRecycle, TestStatsAndWorkers
//	  nested pools                                    TestNestedPools
//	  Initializer, cleanup, StartTimeout              TestInitializerAndCleanup, TestInitializerFails, TestStartTimeout
//	  results are told at once                        TestResultsDoNotWait
//	  names                                           TestWorkerNames
//	  counting                                        TestMaxTasksPerChildIsExact, TestFailuresCount, TestP06_ItemsAreCounted
//	  replacing                                       TestSuccessorIsReadyBefore, TestP09_RecyclingGoesOnAfterClose
//	  the worker's side: processor, stdin, Env, Dir   TestWorkerSurroundings
//	  no descriptors of others                        TestWorkerInheritsNothing
//	  package initialisers run in every worker        TestD15_NothingIsForked
//	  lines whole, nothing lost, split, no EOF        TestOutputLines, TestOutputLongLineIsSplit, TestOutputNobodyWaitsForEOF
//	  the host is never changed (environment)         TestWorkerSurroundings
//	  workers leave with their parent                 TestWorkersLeaveWithTheirParent
//	  Goroutines                                      TestGoroutines
//	Results
//	  Get, Wait, Done, Ready, Successful, ID          TestResultGet, TestMapIDs
//	  callbacks: one kind, once, after ready          TestCallbackKinds
//	  one at a time, completion order, before Join    TestCallbackOrder, TestCallbackCompletionOrder
//	  panic is told                                   TestCallbackPanicIsAnEvent, TestCallbackPanicOnStderr
//	  added after completion, after Join              TestCallbackAddedLate
//	Stopping a task
//	  queued, running, deaf                           TestCancelQueued, TestCancelRunning, TestCancelDeaf
//	  Timeout: soft, hard, from start, default        TestTimeoutSoft, TestTimeoutHard, TestTimeoutFromStart
//	  loops, stuck in C                               TestTimeoutHard, TestStuckInC
//	  process group is killed, however it ends        TestProcessGroupIsKilled
//	Errors
//	  ErrClosed, ErrTerminated, ErrRunning            TestPoolLife, TestTerminate
//	  ErrQueueFull                                    TestQueueFullRejects
//	  ErrUnknownTask                                  TestUnknownTask
//	  TaskError, errors.Is, RegisterError             TestErrorsIsAcrossTheBorder, TestPanics, TestTaskErrorNotUTF8
//	  WorkerError: causes, stderr, attempts           TestWorkerErrorCauses, TestWorkerErrorStderr, TestRetries
//	  StartError, EncodeError, ItemError, MapError    TestInitializerFails, TestBadValues, TestErrorTexts
//	The promise
//	  a death costs exactly one task                  TestDeathCostsOneTask, TestKilledAtAnyMoment, TestIdleWorkersKilled
//	  retries                                         TestRetries, TestTimeoutHard
//	  deaths in tasks are no failed starts            TestDeathsInTasksAreNotFailedStarts
//	  a long task holds nobody back                   TestLongTaskHoldsNobodyBack
//	Sizes
//	  0 B to 1 GiB, the limit, many tasks             TestSizes, TestSizeOverTheLimit, TestManyQueuedTasks, BenchmarkQueuedTask
package procpool_test
