//go:build unix

package main

import (
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/procpool/procpool"
)

func main() {
	procpool.WorkerMain()
	var s soak
	flag.IntVar(&s.tasks, "tasks", 50_000, "how many tasks to run")
	flag.Uint64Var(&s.seed, "seed", uint64(time.Now().Unix()), "what the schedule is made from")
	flag.IntVar(&s.only, "round", -1, "run this round only")
	flag.IntVar(&s.from, "from", 0, "begin with this round")
	flag.DurationVar(&s.patience, "patience", patience, "without any answer, after which something hangs")
	flag.DurationVar(&s.most, "most", 0, "begin no round after this time; 0: no limit")
	flag.BoolVar(&s.verbose, "v", false, "tell of every round")
	flag.Parse()
	s.out = os.Stdout
	violations := s.run()
	if violations > 0 {
		fmt.Fprintf(os.Stderr, "chaos: %d violations; the same schedule again: -tasks %d -seed %d\n", violations, s.tasks, s.seed)
		os.Exit(1)
	}
}
