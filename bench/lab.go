package main

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/procpool/procpool/bench/ask"
)

// lab is where goals are measured: the programs that are needed, and how much time there is.
type lab struct {
	short    bool
	dir      string // of what was built
	profiles string
	python   interpreter
	plugin   built
	subject  string
	host     string // the machine, as it was before anything ran

	number int            // of the goal that is measured
	used   []*ask.Subject // by it
}

// built is a program, or why there is none.
type built struct {
	path string
	err  error
}

func newLab(short bool, python, profiles string) (*lab, error) {
	dir, err := os.MkdirTemp("", "procpool-bench-")
	if err != nil {
		return nil, err
	}
	l := &lab{short: short, dir: dir, profiles: profiles, python: findPython(python), host: describeMachine()}
	l.plugin = l.build("goplugin", "./peers/goplugin")
	ours := l.build("subject", "./subject")
	l.subject = ours.path
	if profiles != "" {
		ours.err = cmp.Or(ours.err, os.MkdirAll(profiles, 0o755))
	}
	if ours.err == nil {
		ours.err = l.python.install(dir)
	}
	if ours.err != nil {
		l.close()
	}
	return l, ours.err
}

func (l *lab) build(name, pkg string) built {
	path := filepath.Join(l.dir, name)
	out, err := exec.Command("go", "build", "-o", path, pkg).CombinedOutput()
	if err != nil {
		err = fmt.Errorf("go build %s: %w\n%s", pkg, err, out)
	}
	return built{path, err}
}

func (l *lab) close() { os.RemoveAll(l.dir) }

// reps is how often the contenders of a goal take turns.
func (l *lab) reps() int {
	if l.short {
		return 3
	}
	return 7
}

// size returns how much work a repetition is, full or short.
func (l *lab) size(full, short int) int {
	if l.short {
		return short
	}
	return full
}

// use starts a subject that lives until the goal has been measured.
func (l *lab) use(cpus []int, env []string, program string, args ...string) (*ask.Subject, error) {
	s, err := ask.Start(cpus, env, program, args...)
	if err == nil {
		l.used = append(l.used, s)
	}
	return s, err
}

// measure measures a goal.
func (l *lab) measure(g goal) *finding {
	l.number = g.number
	f := &finding{goal: g}
	g.measure(l, f)
	for _, s := range l.used {
		if err := s.Close(); err != nil {
			fmt.Fprintf(os.Stderr, "bench: goal %d: a subject: %v\n", g.number, err)
		}
	}
	l.used = nil
	return f
}

// interleave lets contenders take turns.
func (l *lab) interleave(contenders ...*contender) {
	for range l.reps() {
		for _, c := range contenders {
			c.turn()
		}
	}
}

// machine describes what the figures hold for.
func (l *lab) machine() string { return l.host + "\n" + l.versions() }

func (l *lab) versions() string {
	peer := func(name string, err error) string {
		if err != nil {
			return "skipped: " + firstLine(err)
		}
		return name
	}
	return fmt.Sprintf("CPython: %s\nhashicorp/go-plugin: %s\nRoadRunner: %s",
		peer(l.python.version, l.python.err), peer(pluginVersion(l.plugin.path), l.plugin.err), roadRunner)
}

// roadRunner is why that peer is not measured.
const roadRunner = "skipped: the module proxy does not have github.com/roadrunner-server/pool"
