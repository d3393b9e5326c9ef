package lifecycle

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/procpool/procpool/event"
)

var update = flag.Bool("update", false, "write what the scripts print into them")

// The scripts in testdata: paragraphs of inputs, a line of dashes, and the actions that they lead to. What a script proves
// stands in its first lines. A Tick is sent by itself when time passes the one that was armed.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no scripts", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) { runScript(t, file) })
	}
}

func runScript(t *testing.T, file string) {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	s := &script{t: t, use: map[ID]Use{}}
	var got []string
	for par := range strings.SplitSeq(strings.TrimSpace(string(text)), "\n\n") {
		head, _, isStep := strings.Cut(par, "\n----")
		if !isStep {
			got = append(got, par)
			continue
		}
		s.out = nil
		for line := range strings.SplitSeq(head, "\n") {
			s.line(line)
		}
		got = append(got, strings.Join(append([]string{head, "----"}, s.out...), "\n"))
	}
	result := strings.Join(got, "\n\n") + "\n"
	switch {
	case *update:
		err = os.WriteFile(file, []byte(result), 0o666)
	case result != string(text):
		t.Errorf("%s does not hold; got:\n%s", file, result)
	}
	if err != nil {
		t.Fatal(err)
	}
}

var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

type script struct {
	t     *testing.T
	f     *Fleet
	now   time.Time
	armed time.Time
	use   map[ID]Use
	rand  float64
	queue *Demand
	out   []string
}

// words are the arguments of a line: bare ones in order, and key=value.
type words struct {
	t    *testing.T
	bare []string
	kv   map[string]string
}

func (w words) has(k string) bool {
	for _, b := range w.bare {
		if b == k {
			return true
		}
	}
	return w.kv[k] != ""
}

func (w words) float(k string) float64 {
	if w.kv[k] == "" {
		return 0
	}
	v, err := strconv.ParseFloat(w.kv[k], 64)
	if err != nil {
		w.t.Fatal(err)
	}
	return v
}

func (w words) num(k string) int { return int(w.float(k)) }

func (w words) dur(k string) time.Duration { return parseDuration(w.t, w.kv[k]) }

func parseDuration(t *testing.T, s string) time.Duration {
	if s == "" {
		return 0
	}
	d, err := time.ParseDuration(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func (w words) err() error {
	if w.kv["err"] == "" {
		return nil
	}
	return errors.New(w.kv["err"])
}

func (w words) id() ID {
	n, err := strconv.Atoi(w.bare[0])
	if err != nil {
		w.t.Fatal(err)
	}
	return ID(n)
}

func (s *script) line(line string) {
	fields := strings.Fields(line)
	if len(fields) == 0 || strings.HasPrefix(line, "#") {
		return
	}
	w := words{t: s.t, kv: map[string]string{}}
	for _, f := range fields[1:] {
		if k, v, ok := strings.Cut(f, "="); ok {
			w.kv[k] = v
		} else {
			w.bare = append(w.bare, f)
		}
	}
	switch fields[0] {
	case "config":
		s.config(w)
	case "wait":
		s.wait(parseDuration(s.t, fields[1]))
	case "rand":
		s.rand, _ = strconv.ParseFloat(fields[1], 64)
	case "queue":
		s.queue = &Demand{Queued: w.num("queued"), Waiting: w.dur("waiting"), Idle: w.num("idle")}
	case "use":
		u := Use{Tasks: w.num("tasks"), Handed: w.num("handed")}
		if w.has("idle") {
			u.IdleSince = s.now
		}
		s.use[w.id()] = u
	case "state":
		for w := range s.f.Workers() {
			s.out = append(s.out, strings.TrimSpace(fmt.Sprintf("%d is %s %s", w.ID, w.State, w.Reason)))
		}
	default:
		s.step(s.input(fields[0], w))
	}
}

func (s *script) config(w words) {
	s.now = start
	s.f = New(Config{
		Processes: w.num("processes"), MaxTasks: w.num("tasks"), Jitter: w.float("jitter"),
		Memory: uint64(w.num("memory")), Growth: uint64(w.num("growth")), Age: w.dur("age"), Idle: w.dur("idle"),
		Spares:       w.num("spares"),
		Scale:        Scale{Min: w.num("min"), Max: w.num("max"), Wait: w.dur("wait"), Idle: w.dur("scaleidle")},
		Restart:      Restart{MaxFailures: max(w.num("failures"), 3*one(!w.has("failures"))), Backoff: 100 * time.Millisecond, MaxBackoff: time.Second},
		StartTimeout: w.dur("timeout"),
		Strict:       !w.has("lenient"),
		Rand:         func() float64 { return s.rand },
		Use:          func(id ID) Use { return s.use[id] },
	})
	if w.num("failures") < 0 {
		s.f.cfg.Restart.MaxFailures = -1
	}
	if w.has("queue") {
		s.queue = &Demand{}
		s.f.cfg.Queue = func() Demand { return *s.queue }
	}
}

func (s *script) wait(d time.Duration) {
	end := s.now.Add(d)
	for n := 0; !s.armed.IsZero() && !s.armed.After(end); n++ {
		if n > 1000 {
			s.t.Fatal("the timer does not come to rest")
		}
		s.now, s.armed = s.armed, time.Time{}
		s.out = append(s.out, "tick at "+s.now.Sub(start).String())
		s.step(Tick{})
	}
	s.now = end
}

func (s *script) input(verb string, w words) Input {
	switch verb {
	case "begin":
		return Begin{}
	case "ready":
		return Ready{w.id()}
	case "exited":
		return Exited{ID: w.id(), Started: w.num("started"), UnderTask: w.has("undertask"), Cause: causes[w.kv["cause"]], Err: w.err()}
	case "spawnfailed":
		return SpawnFailed{w.id(), w.err()}
	case "progress":
		return Progress{w.id(), w.num("left"), w.dur("each")}
	case "drained":
		return Drained{w.id(), w.dur("each")}
	case "measured":
		return Measured{w.id(), uint64(w.num("memory")), w.num("tasks")}
	case "notice":
		return Notice{w.id()}
	case "asked":
		r := event.ReasonAsked
		if w.has("panic") {
			r = event.ReasonPanic
		}
		return Asked{w.id(), r, w.has("later")}
	case "doom":
		return Doom{ID: w.id(), Reason: event.Reason(w.kv["reason"])}
	case "resize":
		return Resize{int(w.id())}
	case "recycle":
		return RecycleAll{}
	case "close":
		return Close{}
	case "terminate":
		return Terminate{}
	case "demand":
		return Demand{Queued: w.num("queued"), Waiting: w.dur("waiting"), Idle: w.num("idle")}
	case "tick":
		return Tick{}
	}
	s.t.Fatalf("no such input: %s", verb)
	return nil
}

var causes = map[string]event.Cause{"crashed": event.CauseCrashed, "killed": event.CauseKilledOutside, "exited": event.CauseExited}

func (s *script) step(in Input) {
	defer func() {
		if p := recover(); p != nil {
			s.out = append(s.out, fmt.Sprint("panic: ", p))
		}
	}()
	for _, a := range s.f.Step(s.now, in) {
		if arm, ok := a.(Arm); ok {
			s.armed = arm.At
		}
		s.out = append(s.out, s.print(a))
	}
}

func (s *script) print(a Action) string {
	switch a := a.(type) {
	case Spawn:
		line := fmt.Sprintf("spawn %d", a.ID)
		if a.Open {
			line += " open"
		}
		if a.Budget > 0 {
			line += fmt.Sprintf(" budget=%d", a.Budget)
		}
		if a.Probe {
			line += " probe"
		}
		return line
	case Open:
		return fmt.Sprintf("open %d", a.ID)
	case Retire:
		return fmt.Sprintf("retire %d %s%s", a.ID, a.Reason, figures(a.Figures))
	case Stop:
		return fmt.Sprintf("stop %d %s%s", a.ID, a.Reason, figures(a.Figures))
	case Kill:
		return fmt.Sprintf("kill %d %s", a.ID, a.Reason)
	case Watch:
		return fmt.Sprintf("watch %d left=%d", a.ID, a.Left)
	case Bury:
		return fmt.Sprintf("bury %d %s%s", a.ID, a.Reason, figures(a.Figures))
	case Fail:
		return fmt.Sprintf("fail row=%d err=%v", a.Row, a.Err)
	case Heal:
		return "heal"
	case Arm:
		if a.At.IsZero() {
			return "disarm"
		}
		return "arm " + a.At.Sub(start).String()
	case Tell:
		return "tell " + told(a.Event)
	case Rolled:
		return "rolled"
	case Done:
		return "done"
	case Refuse:
		return "refuse " + a.Err.Error()
	}
	return fmt.Sprintf("%T", a)
}

func told(e event.Event) string {
	switch e := e.(type) {
	case event.WorkerRetiring:
		return fmt.Sprintf("retiring %s%s", e.Reason, figures(e.Why))
	case event.WorkerStartFailed:
		return fmt.Sprintf("start failed row=%d backoff=%v err=%v", e.Row, e.Backoff, e.Err)
	case event.WorkerMisconfigured:
		return fmt.Sprintf("misconfigured %s%s", e.Reason, figures(e.Why))
	case event.PoolResized:
		return fmt.Sprintf("resized %d to %d: %s", e.From, e.To, e.Reason)
	}
	return strings.TrimPrefix(fmt.Sprintf("%T", e), "event.")
}

func figures(g event.Figures) string {
	var b strings.Builder
	add := func(name string, v any, set bool) {
		if set {
			fmt.Fprintf(&b, " %s=%v", name, v)
		}
	}
	add("tasks", g.Tasks, g.Tasks != 0)
	add("limit", g.Limit, g.Limit != 0)
	add("memory", g.Memory, g.Memory != 0)
	add("baseline", g.Baseline, g.Baseline != 0)
	add("bytes", g.Bytes, g.Bytes != 0)
	add("age", g.Age, g.Age != 0)
	add("idle", g.Idle, g.Idle != 0)
	return b.String()
}
