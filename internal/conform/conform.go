// Package conform holds a worker program against every rule of docs/protocol.md, over the same descriptors that a pool
// would use, and reports which of them hold.
package conform

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// Options says how to judge and to report.
type Options struct {
	FixHints bool     // after a rule that does not hold, say what to look at
	Rules    []string // judge these only; nil: all
	Env      []string // added to the environment
	Dir      string
	Patience time.Duration // how long a worker has to react; 0: 1 s where the protocol says so, else 3 s
}

// soon is how long a worker has to react where the protocol does not say. It is generous: the machine may be busy.
const soon = 3 * time.Second

// A rule is one promise of the protocol. Each gets a worker of its own.
type rule struct {
	name  string
	says  string // what is promised
	hint  string // what to look at if it does not hold
	needs []string
	setup setup
	judge func(*trial)
}

// perRule bounds a rule for a worker that says nothing at all; the machine may be busy.
const perRule = time.Minute

// Run starts the program once for every rule. The program must offer the conformance tasks that docs/protocol.md lists.
func Run(ctx context.Context, path string, args []string, o Options) Report {
	p := program{path: path, args: args, env: o.Env, dir: o.Dir}
	report := Report{hints: o.FixHints}
	for i, r := range rules {
		if o.Rules != nil && !slices.Contains(o.Rules, r.name) {
			continue
		}
		c := p.check(ctx, r, o.Patience)
		report.Checks = append(report.Checks, c)
		if i == 0 && c.Err != nil {
			break // nothing else can be judged, and each rule would take as long to find out
		}
	}
	return report
}

func (p program) check(ctx context.Context, r rule, patience time.Duration) (c Check) {
	c = Check{Rule: r.name, Says: r.says, Hint: r.hint}
	began := time.Now()
	defer func() { c.Took = time.Since(began) }()
	ctx, cancel := context.WithTimeout(ctx, perRule)
	defer cancel()
	w, err := p.start(r.setup)
	if err != nil {
		c.Err = err
		return c
	}
	defer w.end()
	defer func() {
		switch v := recover().(type) {
		case nil:
		case broken:
			c.Err = fmt.Errorf("%s%s", v, w.lastWords())
		case missing:
			c.Skipped = string(v)
		default:
			panic(v)
		}
	}()
	t := &trial{worker: w, ctx: ctx, patience: patience}
	t.handshake(r)
	r.judge(t)
	return c
}

// What a rule's judge throws to end it early, as testing's FailNow does.
type (
	broken  string // the rule does not hold
	missing string // it cannot be judged
)
