//go:build unix

package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"time"

	"github.com/procpool/procpool"
)

// chunkTasks are submitted in the same way.
const chunkTasks = 50

// plan is what a round is to be. It is made from the seed, the round's number and how many processors the machine has.
type plan struct {
	number  int
	seed    uint64
	method  string
	kills   bool // workers are processes
	tasks   int
	config  procpool.Config
	fails   float64 // of the initializer
	slow    int     // milliseconds of the initializer
	havoc   time.Duration
	ending  ending
	observe bool
}

// ending is how a round ends.
type ending int

const (
	endDrained   ending = iota // everything is answered, then Close
	endClose                   // Close while tasks are submitted
	endTerminate               // Terminate while tasks are submitted
	endShutdown                // Shutdown with little time while tasks are submitted
)

var endingNames = [...]string{"drained", "close", "terminate", "shutdown"}

// newPlan makes the plan of a round of so many tasks; it has fewer where workers live short.
func newPlan(seed uint64, number, tasks int) *plan {
	r := rand.New(rand.NewPCG(seed, uint64(number)))
	p := &plan{number: number, seed: seed, tasks: tasks, observe: r.IntN(2) == 0}
	c := &p.config
	switch n := r.IntN(20); {
	case n < 11:
		p.method, p.kills, c.StartMethod = "rings", true, procpool.Spawn()
	case n < 17:
		p.method, p.kills, c.StartMethod = "pipes", true, procpool.Command("/proc/self/exe", os.Args[1:]...)
	default:
		p.method, c.StartMethod = "goroutines", procpool.Goroutines()
	}
	c.Processes = 1 + r.IntN(4)
	if r.IntN(5) == 0 { // more than are kept at work while tasks are quick
		c.Processes += 2 * runtime.NumCPU()
	}
	c.MaxTasksPerChild = pick(r, 0, 0, 0, 30, 100, 1000)
	if r.IntN(12) == 0 {
		c.MaxTasksPerChild, p.tasks = 1+r.IntN(4), tasks/10
	}
	c.Recycle.Jitter = pick(r, 0, 0.5)
	c.Recycle.OnPanic = r.IntN(4) == 0
	c.Recycle.Idle = pick(r, 0, 0, 5*time.Millisecond)
	c.Recycle.Age = pick(r, 0, 0, 0, 30*time.Millisecond)
	c.Spares = pick(r, 0, 0, 1, -1)
	if r.IntN(5) == 0 {
		c.Scale = procpool.Scale{Min: r.IntN(2), Max: c.Processes + r.IntN(3), Wait: time.Millisecond, Idle: 5 * time.Millisecond}
	}
	c.Queue = procpool.Queue{Limit: pick(r, 0, 0, 1, 20, 300), Reject: r.IntN(3) == 0}
	c.Grace = pick(r, -1, 5*time.Millisecond, 40*time.Millisecond)
	c.StartTimeout = 20 * time.Second
	c.Restart = procpool.Restart{MaxFailures: pick(r, -1, -1, 3, 6), Backoff: time.Millisecond, MaxBackoff: 20 * time.Millisecond}
	p.fails = pick(r, 0, 0, 0, 0.05, 0.3)
	p.slow = pick(r, 0, 0, 20)
	p.havoc = pick(r, time.Millisecond/2, 2*time.Millisecond, 10*time.Millisecond)
	p.ending = pick(r, endDrained, endDrained, endDrained, endDrained, endDrained, endClose, endTerminate, endTerminate, endShutdown)
	return p
}

func pick[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

// String tells the plan in one line.
func (p *plan) String() string {
	c := &p.config
	return fmt.Sprintf("round %d: %s ×%d, %d tasks, %d per child, recycle %+v, spares %d, scale %+v, queue %+v, grace %v, "+
		"restart %d, initializer fails %v, slow %d ms, havoc %v, end %s, observed %v",
		p.number, p.method, c.Processes, p.tasks, c.MaxTasksPerChild, c.Recycle, c.Spares, c.Scale, c.Queue, c.Grace,
		c.Restart.MaxFailures, p.fails, p.slow, p.havoc, endingNames[p.ending], p.observe)
}

// form is how a chunk of tasks is submitted.
type form int

const (
	formApply form = iota
	formAsync
	formMap
	formMapAsync
	formIMap
	formUnordered
	forms
)

var formNames = [forms]string{"Apply", "ApplyAsync", "Map", "MapAsync", "IMap", "IMapUnordered"}

// chunk is some tasks that are submitted in the same way.
type chunk struct {
	number   int
	first, n int
	form     form
	options  procpool.CallOptions
	labeled  bool
	timed    bool
	cancel   time.Duration // after which its context ends; 0: it does not
	breakAt  int           // result after which the loop is left; < 0: none
	jobs     []job
	rand     *rand.Rand
}

func (p *plan) chunk(number int) *chunk {
	r := rand.New(rand.NewPCG(p.seed^0xc4a05, uint64(p.number)<<32|uint64(number)))
	c := &chunk{number: number, first: number * chunkTasks, form: form(r.IntN(int(forms))), breakAt: -1, rand: r}
	c.n = min(chunkTasks, p.tasks-c.first)
	c.options = procpool.CallOptions{
		Retries: pick(r, 0, 0, 0, 1, 3), Priority: pick(r, 0, 0, 0, 1, -1), Window: pick(r, 0, 0, 1, 7),
		FailFast: c.form == formMap && r.IntN(4) == 0,
	}
	if c.timed = r.IntN(5) == 0; c.timed {
		c.options.Timeout = 10 * time.Millisecond
	}
	if r.IntN(8) == 0 {
		c.cancel = time.Duration(1+r.IntN(20000)) * time.Microsecond
	}
	if r.IntN(6) == 0 {
		c.breakAt = r.IntN(chunkTasks)
	}
	label := -1
	if c.labeled = r.IntN(4) == 0; c.labeled {
		label = number
		c.options.Metadata = (&job{Chunk: label}).metadata()
	}
	for i := range c.n {
		c.jobs = append(c.jobs, p.job(r, c, uint64(c.first+i), label))
	}
	return c
}

// job says what a task is to do: most of them just answer.
func (p *plan) job(r *rand.Rand, c *chunk, id uint64, label int) job {
	j := job{ID: id, Chunk: label, Act: actAnswer}
	switch n := r.IntN(2000); {
	case n < 40:
		j.Act, j.Arg = actSleep, r.IntN(3000)
	case n < 70:
		j.Act = actError
	case n < 80:
		j.Act = actPanic
	case n < 83:
		j.Act = actGoexit
	case n < 87:
		j.Act = actRetire
	case n < 91:
		j.Act, j.Arg = actBig, r.IntN(1<<20)
	case n < 94:
		j.Pad = make([]byte, r.IntN(1<<20))
	case n < 100 && c.timed:
		j.Act = pick(r, actHang, actHang, actDeaf)
	case n < 112 && p.kills:
		j.Act, j.Arg = actExit+act(r.IntN(int(acts-actExit))), r.IntN(4)
	case n < 300:
		j.Pad = make([]byte, r.IntN(2000))
	}
	return j
}
