// Package supervisor keeps a pool's workers: it starts them, feeds them, collects their answers, and sees them off.
//
// One goroutine, [Supervisor.run], owns the life of all workers: it alone steps the machine of package lifecycle and
// carries out its actions. Tasks go beside it: they are fed to and collected from a worker's link by whoever is there.
package supervisor

import (
	"io"
	"os"
	"time"

	"github.com/procpool/procpool/event"
	"github.com/procpool/procpool/internal/lifecycle"
	"github.com/procpool/procpool/internal/process"
	"github.com/procpool/procpool/internal/queue"
	"github.com/procpool/procpool/internal/transport"
	"github.com/procpool/procpool/internal/wire"
)

// Config is what a pool tells its supervisor. It is immutable.
type Config struct {
	Queue  *queue.Queue
	Fleet  lifecycle.Config
	Launch Launch
	Setup  wire.MessageSetup // all but the worker's name
	Tasks  map[string]uint16 // the numbers of the tasks, where they are known before hello; else nil
	Name   func() string     // the next worker's name

	TaskTimeout  time.Duration // for tasks that set none; 0: none
	Grace        time.Duration // from telling a task to stop to SIGTERM; < 0: none
	HardMemory   uint64
	When         func(Worker) bool // asked after tasks; may be nil
	OnPanic      bool              // a worker leaves after a task that panicked
	Measure      bool              // memory is to be measured after tasks
	Stdout       io.Writer
	Stderr       io.Writer
	Observe      func(event.Event) // called in order, while somebody observes; must not block
	Observed     bool              // from the beginning; later see Observed
	Panicked     func(v any)       // told of a panic in a function of the user's
	Clock        func() time.Duration
	StartFailure func(*StartFault) error                   // makes the error that waiting tasks get while workers cannot start
	Failure      func(task string, o *queue.Outcome) error // makes the error of an attempt
}

// Launch makes a channel and starts what serves at its other end. It calls prime when the channel is there and before
// anything is started.
type Launch func(name string, prime func(transport.Conn, *transport.Board)) (Process, error)

// Process is what a worker runs on.
type Process interface {
	PID() int
	Output() (stdout, stderr *os.File) // read ends, the caller's to close; nil: none
	Wait() process.Status              // returns when it is gone and reaped
	Terminate() error                  // politely: SIGTERM
	Kill() error
}

// StartFault is why a worker did not start.
type StartFault struct {
	Attempts int
	ExitCode int
	Signal   int
	Stderr   string
	Err      error
}

// Error is for logs; users see what the root makes of it.
func (f *StartFault) Error() string { return f.Err.Error() }

// Worker is what is known of a worker.
type Worker struct {
	Name    string
	PID     int
	State   event.State
	Running int
	Task    string
	Tasks   int
	Limit   int
	Started time.Time
	Memory  uint64
	Reason  event.Reason
	Why     event.Figures
}
