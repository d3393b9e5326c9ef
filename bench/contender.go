package main

import (
	"fmt"

	"github.com/procpool/procpool/bench/ask"
)

// contender is one of those that are compared: it does a work when it is its turn.
type contender struct {
	what   []*series // one for each number of an answer
	start  func() (*ask.Subject, error)
	work   string
	args   []int
	serves *ask.Subject // started at the first turn
}

// turn does the work once. A contender that fails takes no further turns.
func (c *contender) turn() {
	if c.what[0].err != nil {
		return
	}
	values, err := c.ask()
	if err == nil && len(values) != len(c.what) {
		err = fmt.Errorf("%d numbers came, not %d", len(values), len(c.what))
	}
	for i, s := range c.what {
		if err != nil {
			s.err = err
			continue
		}
		s.values = append(s.values, values[i])
	}
}

func (c *contender) ask() ([]float64, error) {
	if c.serves == nil {
		s, err := c.start()
		if err != nil {
			return nil, err
		}
		c.serves = s
	}
	return c.serves.Ask(c.work, c.args...)
}

// first is the series of a contender with one number.
func (c *contender) first() *series { return c.what[0] }
