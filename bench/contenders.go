package main

import (
	"fmt"
	"path/filepath"

	"github.com/procpool/procpool/bench/ask"
)

// oneCore keeps a subject and everything it starts on one processor.
var oneCore = []int{0}

// ours is the pool over a transport, ring or pipe.
func (l *lab) ours(over, unit string, work string, args ...int) *contender {
	return l.oursOn(nil, over, unit, work, args...)
}

func (l *lab) oursOn(cpus []int, over, unit string, work string, args ...int) *contender {
	name := "procpool, " + over
	if cpus != nil {
		name += ", one core"
	}
	flags := []string{"-over", over}
	if l.profiles != "" {
		file := fmt.Sprintf("goal%d-%s-%s", l.number, over, work)
		if cpus != nil {
			file += "-onecore"
		}
		path, _ := filepath.Abs(filepath.Join(l.profiles, file))
		flags = append(flags, "-cpuprofile", path)
	}
	return l.contender(name, unit, work, args, func() (*ask.Subject, error) { return l.use(cpus, nil, l.subject, flags...) })
}

// bare is a bare work of our subject.
func (l *lab) bare(cpus []int, name, unit string, work string, args ...int) *contender {
	return l.contender(name, unit, work, args, func() (*ask.Subject, error) { return l.use(cpus, nil, l.subject) })
}

// cpython is CPython's pool with a start method, fork or spawn.
func (l *lab) cpython(how, unit string, work string, args ...int) *contender {
	return l.contender("CPython "+l.python.version+" Pool, "+how, unit, work, args, func() (*ask.Subject, error) {
		if l.python.err != nil {
			return nil, l.python.err
		}
		return l.use(nil, nil, l.python.path, l.python.script, how, fmt.Sprint(cores()))
	})
}

// goPlugin is hashicorp/go-plugin over net/rpc.
func (l *lab) goPlugin(unit string, work string, args ...int) *contender {
	return l.contender("hashicorp/go-plugin, net/rpc", unit, work, args, func() (*ask.Subject, error) {
		if l.plugin.err != nil {
			return nil, l.plugin.err
		}
		return l.use(nil, nil, l.plugin.path)
	})
}

func (l *lab) contender(name, unit, work string, args []int, start func() (*ask.Subject, error)) *contender {
	return &contender{what: []*series{{name: name, unit: unit}}, start: start, work: work, args: args}
}

// named changes what a contender is called.
func (c *contender) named(name string) *contender {
	c.what[0].name = name
	return c
}

// also says what the further numbers of the contender's answers are.
func (c *contender) also(names ...[2]string) *contender {
	for _, n := range names {
		c.what = append(c.what, &series{name: n[0], unit: n[1]})
	}
	return c
}
