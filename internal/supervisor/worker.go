package supervisor

import (
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/procpool/procpool/event"
	"github.com/procpool/procpool/internal/lifecycle"
	"github.com/procpool/procpool/internal/transport"
	"github.com/procpool/procpool/internal/wire"
)

const (
	killAfter   = 500 * time.Millisecond // from SIGTERM to SIGKILL
	silentAfter = time.Second            // a worker that closed its channel should be gone by then, also on a busy machine
	silentLooks = 10                     // after which it is ended, whatever is known of it
	leaveAfter  = 5 * time.Second        // from stop to SIGTERM, if Grace is none
)

// worker is one process, from spawn to exit. Its live goroutine owns it; others reach it through link, and through what
// mu guards.
type worker struct {
	s      *Supervisor
	id     lifecycle.ID
	name   string
	link   *link
	budget int    // tasks in its life; 0: no limit
	tail   tail   // of its stderr
	crash  []byte // what its runtime wrote about its end; set by end
	dump   string // what it did when the task that it ended with had timed out; set by end

	ready atomic.Bool // it has said so

	strange, strangeBytes int  // frames that mean nothing; owned by who has the duty
	announced             bool // it said that it will ask to be replaced; owned by who has the duty

	obituary event.WorkerExited // set before Exited is posted

	mu      sync.Mutex
	proc    Process // nil until started
	born    time.Time
	hello   bool
	cause   event.Cause // of a death that the pool decided; first one wins
	detail  string
	hard    bool        // it is to be killed as soon as it is started
	ladder  *time.Timer // the next step of stopping it
	fault   error       // why it did not become ready, as far as it said so
	state   event.State
	ages    ages
	planned bool // the pool asked it to leave
}

func (w *worker) isReady() bool { return w.ready.Load() }

func (w *worker) who() event.Worker {
	w.mu.Lock()
	defer w.mu.Unlock()
	return event.Worker{Name: w.name, PID: w.pidLocked()}
}

func (w *worker) pidLocked() int {
	if w.proc == nil {
		return 0
	}
	return w.proc.PID()
}

// greaseEvery is how many workers there are for one that gets a frame of a type that it cannot know: workers that do not
// skip those would not live to see a later version of the protocol, and it should be noticed today.
const greaseEvery = 4

// prime is called when the channel is there, before the process: what is sent now waits in the channel.
func (w *worker) prime(conn transport.Conn, board *transport.Board) {
	m := w.s.cfg.Setup
	m.Version, m.Name, m.Limit = wire.Version, w.name, w.budget
	first := wire.AppendFrame(nil, wire.Header{Type: wire.Setup}, wire.Marshal(&m))
	if w.id%greaseEvery == 1 {
		first = wire.AppendFrame(first, wire.Header{Type: wire.Grease}, []byte("skip this"))
	}
	conn.Control(first)
	l := w.link
	l.mu.Lock()
	l.conn, l.board = conn, board
	if l.stopped {
		l.sendStopLocked()
	}
	l.mu.Unlock()
	l.open(false)
}

// introduce handles the frames by which a worker introduces itself. The caller has the duty.
func (w *worker) introduce(h wire.Header, body []byte) error {
	switch h.Type {
	case wire.Hello:
		return w.greet(body)
	case wire.Ready:
		return w.rise()
	case wire.Failed:
		return w.confess(body)
	case wire.Dumped:
		w.link.dumped(h.Seq, body)
		return nil
	case wire.Leaving:
		return w.announce(body)
	}
	if h.Type < wire.Hello && h.Type != 0 && h.Type > wire.Dump || h.Type > wire.Leaving && h.Type < 128 {
		return w.skip(body) // from a later version of the protocol
	}
	return nonsense("it sent a frame of type %d", h.Type)
}

// announce takes in that the worker will ask to be replaced: the successor can start. To hear it once is enough.
func (w *worker) announce(body []byte) error {
	if w.announced || !w.isReady() {
		return w.skip(body)
	}
	w.announced = true
	w.s.post(lifecycle.Notice{ID: w.id})
	return nil
}

// What a worker may send of frames that mean nothing, for its life and for each task that it has run: they cost the pool
// time.
const (
	mostStrange      = 1000
	mostStrangeBytes = 64 << 20
)

func (w *worker) skip(body []byte) error {
	w.strange++
	w.strangeBytes += len(body)
	share := 1 + int(w.link.ran.Load())
	if w.strange > mostStrange*share || w.strangeBytes > mostStrangeBytes*share {
		return nonsense("it sent %d frames that mean nothing", w.strange)
	}
	return nil
}

// mostTasks is how many tasks a call's header can tell apart.
const mostTasks = 1 << 16

func (w *worker) greet(body []byte) error {
	var m wire.MessageHello
	if err := wire.Unmarshal(wire.Hello, body, &m); err != nil {
		return nonsense("%v", err)
	}
	if m.Version != wire.Version {
		return w.refuse(fmt.Errorf("it speaks version %d of the protocol, this pool version %d", m.Version, wire.Version))
	}
	if len(m.Tasks) > mostTasks {
		return nonsense("it offers %d tasks, more than %d", len(m.Tasks), mostTasks)
	}
	json, err := speaksJSON(m.Codecs)
	if err != nil {
		return w.refuse(err)
	}
	l := w.link
	tasks := make(map[string]uint16, len(m.Tasks))
	for i, name := range m.Tasks {
		tasks[name] = uint16(i)
	}
	l.mu.Lock()
	if l.tasks == nil {
		l.tasks = tasks
	}
	l.fenced, l.dumps, l.json = m.Fenced, m.Dumps, json
	l.pace.most = min(max(m.Window, 1), mostWindow)
	l.mu.Unlock()

	w.mu.Lock()
	again := w.hello
	w.hello = true
	w.ages.hello = time.Now()
	w.mu.Unlock()
	if again {
		return nonsense("it sent hello twice")
	}
	l.open(false)
	return nil
}

// rise takes in that the worker is ready.
func (w *worker) rise() error {
	w.mu.Lock()
	ok := w.hello && !w.ready.Load()
	if ok {
		w.ready.Store(true)
		w.ages.ready = time.Now()
		w.ageLocked(event.Ready)
	}
	took := time.Since(w.born)
	w.mu.Unlock()
	if !ok {
		return nonsense("it said ready before hello, or twice")
	}
	l := w.link
	w.tell(func(at event.At) event.Event { return event.WorkerReady{At: at, Worker: w.who(), Took: took} })
	l.mu.Lock()
	l.since = w.s.cfg.Clock() // what waited in the channel begins now
	l.pace.inherit(math.Float64frombits(w.s.service.Load()))
	l.window = l.pace.window
	l.up = true
	for _, r := range l.flight.all() {
		if r.Call != nil {
			l.tellStartedLocked(r, l.since)
		}
	}
	l.guard.armLocked()
	l.mu.Unlock()
	w.s.post(lifecycle.Ready{ID: w.id})
	w.measureFirst()
	return nil
}

// confess takes in that the initializer failed.
func (w *worker) confess(body []byte) error {
	var m wire.MessageError
	if err := wire.Unmarshal(wire.Failed, body, &m); err != nil {
		return nonsense("%v", err)
	}
	text := m.Message
	if m.Kind == wire.KindPanic {
		text = fmt.Sprintf("panic: %s\n%s", m.Message, m.Stack)
	}
	return w.refuse(fmt.Errorf("initialize: %s", text))
}

// refuse sends a worker away that cannot be used.
func (w *worker) refuse(err error) error {
	w.mu.Lock()
	if w.fault == nil {
		w.fault = err
	}
	w.mu.Unlock()
	w.kill()
	return nil
}

// ageLocked moves the worker to a later state; to an earlier one it never goes.
func (w *worker) ageLocked(to event.State) {
	if ageOf(to) > ageOf(w.state) {
		w.state = to
		w.ages.note(to)
	}
}

func ageOf(s event.State) int {
	switch s {
	case event.Starting:
		return 1
	case event.Ready:
		return 2
	case event.Draining:
		return 3
	case event.Stopping:
		return 4
	case event.Gone:
		return 5
	}
	return 0
}

// spent reports whether the worker has answered all the tasks that it may run: it leaves by itself, then.
func (w *worker) spent() bool { return w.budget > 0 && w.link.ran.Load() >= int64(w.budget) }

// drained tells the machine that the worker is empty and takes no more. That a worker is empty because it died is no plan.
func (w *worker) drained() {
	w.mu.Lock()
	gone := w.state == event.Gone
	w.mu.Unlock()
	if !gone {
		w.s.post(lifecycle.Drained{ID: w.id, Interval: w.link.mean()})
	}
}

// info is what is known of the worker.
func (w *worker) info(i lifecycle.Info) Worker {
	l := w.link
	l.mu.Lock()
	running, task := 0, ""
	for _, r := range l.flight.all() {
		if r.Call != nil {
			running += r.Len()
			if task == "" {
				task = r.Call.Task.Name
			}
		}
	}
	tasks := l.tasksStarted()
	l.mu.Unlock()
	return Worker{
		Name: w.name, PID: w.who().PID, State: i.State, Running: running, Task: task, Tasks: tasks, Limit: w.budget,
		Started: i.Spawned, Memory: l.memory.Load(), Reason: i.Reason, Why: i.Figures,
	}
}

func (w *worker) asked(r event.Reason) { w.s.post(lifecycle.Asked{ID: w.id, Reason: r}) }

func (w *worker) progress(left int, interval time.Duration) {
	w.s.post(lifecycle.Progress{ID: w.id, Left: left, Interval: interval})
}
