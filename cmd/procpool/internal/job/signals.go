package job

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
)

// signals turns signals into the end of a run: the first lets what runs finish, the second does not.
type signals struct {
	c     chan os.Signal
	heard atomic.Bool
	hard  context.Context // ends with the second signal
	stop  context.CancelFunc
	over  chan struct{} // closed when nobody listens any more
}

func (j *job) listen() *signals {
	s := &signals{c: make(chan os.Signal, 2), over: make(chan struct{})}
	s.hard, s.stop = context.WithCancel(context.Background())
	signal.Notify(s.c, os.Interrupt, syscall.SIGTERM)
	go s.serve(j) // ends at end, which waits for it
	return s
}

func (s *signals) serve(j *job) {
	defer close(s.over)
	for range s.c {
		if s.heard.Swap(true) {
			s.stop()
			j.pool.Terminate()
			continue
		}
		j.mapper.Stop()
		fmt.Fprintln(j.stderr, "procpool: stopping when the running items are done; once more stops now")
	}
}

// end stops listening, and reports whether there was a signal.
func (s *signals) end() bool {
	signal.Stop(s.c)
	close(s.c)
	<-s.over
	s.stop()
	return s.heard.Load()
}
