package lifecycle

import (
	"time"

	"github.com/procpool/procpool/event"
)

// Action is one of the structs below: something to do.
type Action interface{ action() }

// What to do with a worker.
type (
	// Spawn starts a process.
	Spawn struct {
		ID     ID
		Open   bool // it may be given tasks at once, even before it is ready
		Budget int  // most tasks that it may be given; 0: no limit
		Probe  bool // the circuit is open, or nearly: this one tries whether starting works again
	}
	// Open: it has a place now. Give it tasks, even if it is not ready yet.
	Open struct{ ID ID }
	// Retire: give it no more tasks, take back what it has not started, and send Drained when nothing is left in it.
	Retire struct {
		ID      ID
		Reason  event.Reason
		Figures event.Figures
	}
	// Stop: it is empty. Ask it to leave, and insist.
	Stop struct {
		ID      ID
		Reason  event.Reason
		Figures event.Figures
	}
	// Kill ends it now, whatever it does.
	Kill struct {
		ID     ID
		Reason event.Reason
	}
	// Watch: send Progress when Left of its budget, or less, is not handed out; 0: no need. It replaces the last one.
	Watch struct {
		ID   ID
		Left int
	}
	// Bury: it is gone, for this reason. Tell and count it.
	Bury struct {
		ID      ID
		Reason  event.Reason
		Figures event.Figures
	}
)

// What to do with the pool.
type (
	// Fail: nobody can serve and Row starts in a row failed. Waiting and new tasks fail with Err until Heal.
	Fail struct {
		Err error
		Row int
	}
	// Heal: starting works again.
	Heal struct{}
	// Arm: send Tick at this time; it replaces the last one. The zero time: never.
	Arm struct{ At time.Time }
	// Tell hands an event to the observers.
	Tell struct{ Event event.Event }
	// Rolled: the oldest RecycleAll that was not answered yet is complete.
	Rolled struct{}
	// Done: the pool is closed or terminated, and every worker is gone. A later RecycleAll is still answered; nothing else follows.
	Done struct{}
	// Refuse: the input could not be. It was ignored; this is a bug in the pool.
	Refuse struct{ Err error }
)

func (Spawn) action()  {}
func (Open) action()   {}
func (Retire) action() {}
func (Stop) action()   {}
func (Kill) action()   {}
func (Watch) action()  {}
func (Bury) action()   {}
func (Fail) action()   {}
func (Heal) action()   {}
func (Arm) action()    {}
func (Tell) action()   {}
func (Rolled) action() {}
func (Done) action()   {}
func (Refuse) action() {}
