package pooltest

import (
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/procpool/procpool"
)

// Point is a moment in a worker's life.
type Point string

// The points, in the order of a life.
const (
	BeforeHello   Point = "before hello"   // it runs, and has told nothing about itself
	InInitializer Point = "in initializer" // it has said hello and is not ready
	Idle          Point = "idle"           // it is ready and has no task
	Received      Point = "received"       // it has a task and has not started it
	InFunction    Point = "in function"    // the task has started, and nothing of its result is out
	InResult      Point = "in result"      // Offset bytes of the result are out
	AfterResult   Point = "after result"   // the result is out
	Retiring      Point = "retiring"       // it has asked to be replaced: see procpool.RetireWorker
	Stopping      Point = "stopping"       // it was told to leave
)

// Behaviour is what a worker does at a point.
type Behaviour string

// Ways to die.
const (
	Exit0    Behaviour = "exit 0"
	Exit1    Behaviour = "exit 1"
	Panic    Behaviour = "panic"       // in a goroutine of its own, where nobody recovers it
	Fatal    Behaviour = "fatal error" // of Go's runtime, which nothing can recover
	Kill     Behaviour = "SIGKILL"
	Segfault Behaviour = "SIGSEGV" // as a fault in C
	Torn     Behaviour = "torn frame"
)

// Ways to live on uselessly.
const (
	Hang       Behaviour = "hang"
	Stop       Behaviour = "SIGSTOP"         // it goes on when it gets SIGCONT
	IgnoreTerm Behaviour = "ignores SIGTERM" // and hangs
	Close      Behaviour = "closes its descriptors"
	Half       Behaviour = "half a frame, then hangs"
	Flood      Behaviour = "floods stderr"  // without a newline, for ever
	Leave      Behaviour = "leaves a child" // in its process group, then exits with 1; the child ignores SIGTERM
)

// Ways to speak nonsense.
const (
	Garbage   Behaviour = "garbage"
	Twice     Behaviour = "says it twice"  // the frame that is due: hello, ready, a result
	Foreign   Behaviour = "foreign answer" // to a call that it was never given
	Early     Behaviour = "early answer"   // to the next call that it will be given
	Huge      Behaviour = "huge frame"     // claims a result of 1 GiB, and hangs
	TooHuge   Behaviour = "too huge frame" // claims more than any frame may have
	OutOfTurn Behaviour = "ready out of turn"
	Random    Behaviour = "random bytes"   // of random length, at a random pace, to every descriptor; see Fault.Seed
	Unknown   Behaviour = "unknown frames" // small ones, for ever
	BadBoard  Behaviour = "corrupts board" // every word of the shared memory, then hangs
)

// Harmless ones.
const (
	Noise Behaviour = "noise" // on stdout and stderr, then goes on
	Slow  Behaviour = "slow"  // sleeps For, then goes on
)

// Fault is something that a worker does wrong.
type Fault struct {
	At     Point
	Do     Behaviour
	Task   string        // only at a task of this name; empty: at any
	Call   int           // only at the n-th task that the worker runs, from 1; 0: at any
	Offset int           // of InResult: how many bytes are out; negative: all but so many
	For    time.Duration // of Slow
	Seed   uint64        // of Random
	Times  int           // how often in all, whichever worker comes first; 0: always
}

// Misbehave returns a start method for workers that are this program and have these faults. It needs
// procpool.WorkerMain at the start of TestMain, and works until t is over.
func Misbehave(t testing.TB, faults ...Fault) procpool.StartMethod {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return procpool.Command(path, marker+encode(t, faults))
}

// Env returns, for Config.Env, what gives the workers of procpool.Spawn these faults. It works until t is over.
func Env(t testing.TB, faults ...Fault) []string {
	t.Helper()
	return []string{marker + encode(t, faults)}
}

// marker begins the argument, or the environment variable, that tells a worker its faults.
const marker = "POOLTEST_FAULTS="

// plan is what a worker is told.
type plan struct {
	Faults []Fault
	Dir    string // where faults with Times are counted
}

func encode(t testing.TB, faults []Fault) string {
	t.Helper()
	p := plan{Faults: faults}
	for _, f := range faults {
		if f.Times > 0 && p.Dir == "" {
			p.Dir = t.TempDir()
		}
	}
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
