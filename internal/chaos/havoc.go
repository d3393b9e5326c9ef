//go:build unix

package main

import (
	"context"
	"math/rand/v2"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/procpool/procpool"
)

// strike is what is done to a worker, or to the pool.
type strike int

const (
	strikeKill strike = iota
	strikeTerm
	strikeFault
	strikeStop
	strikeResize
	strikeRecycle
	strikeStats
	strikes
)

var strikeNames = [strikes]string{"SIGKILL", "SIGTERM", "SIGSEGV", "SIGSTOP", "Resize", "Recycle", "Stats"}

// havoc does harm to a pool until ctx ends. It waits for everything that it began.
type havoc struct {
	*round
	rand *rand.Rand
	done sync.WaitGroup // Recycle, and who wakes stopped workers
}

// mostWaits is how often nothing is done while nothing is answered.
const mostWaits = 20

// On a slow machine it waits until something was answered, or it would strike all workers before they had begun.
func (h *havoc) run(ctx context.Context) {
	defer h.done.Wait()
	var answers int64
	for waits := 0; ; {
		pause := time.Duration(h.rand.ExpFloat64() * float64(h.plan.havoc))
		select {
		case <-time.After(pause):
			if n := h.answers(); n > answers || waits == mostWaits {
				answers, waits = n, 0
				h.strike(ctx)
			} else {
				waits++
			}
		case <-ctx.Done():
			return
		}
	}
}

func (h *havoc) strike(ctx context.Context) {
	s := pick(h.rand, strikeKill, strikeKill, strikeTerm, strikeFault, strikeStop, strikeStop, strikeResize, strikeRecycle, strikeStats)
	switch s {
	case strikeResize:
		h.ledger.strike("", s)
		h.pool.Resize(1 + h.rand.IntN(2*h.plan.config.Processes))
	case strikeRecycle:
		h.ledger.strike("", s)
		if h.rand.IntN(4) == 0 {
			h.done.Go(func() { // ends with the recycling, or ctx
				h.pool.Recycle(ctx)
			})
		}
	case strikeStats:
		h.ledger.strike("", s)
		h.count()
	default:
		if h.plan.kills {
			h.hit(ctx, s)
		}
	}
}

// count checks that a snapshot is one.
func (h *havoc) count() {
	st := h.pool.Stats()
	if sum := st.Succeeded + st.Failed + st.Canceled + uint64(st.Queued) + uint64(st.Running); sum != st.Submitted {
		h.ledger.fault("%d tasks were submitted, and there are %d: %+v", st.Submitted, sum, st)
	}
}

var signals = map[strike]syscall.Signal{
	strikeKill: syscall.SIGKILL, strikeTerm: syscall.SIGTERM, strikeFault: syscall.SIGSEGV, strikeStop: syscall.SIGSTOP,
}

// hit sends a signal to a worker.
func (h *havoc) hit(ctx context.Context, s strike) {
	all := h.pool.Workers()
	if len(all) == 0 {
		return
	}
	w := all[h.rand.IntN(len(all))]
	if w.State == procpool.StateStarting && h.rand.IntN(4) > 0 {
		return // failed starts are for the initializer
	}
	p, err := hold(w.PID)
	if err != nil {
		return // it is gone
	}
	h.ledger.strike(w.Name, s)
	p.Signal(signals[s])
	if s != strikeStop {
		p.Release()
		return
	}
	nap := time.Duration(h.rand.IntN(100)) * time.Millisecond
	h.done.Go(func() { // ends after the nap: stopped workers are always woken
		<-time.After(nap)
		p.Signal(syscall.SIGCONT)
		p.Release()
	})
}

// hold returns a worker's process, by a handle that stays its own when it is gone and its number is another's.
func hold(pid int) (*os.Process, error) {
	if pid <= 0 {
		return nil, os.ErrProcessDone
	}
	p, err := os.FindProcess(pid)
	if err != nil {
		return nil, err
	}
	if parentOf(pid) != os.Getpid() {
		p.Release()
		return nil, os.ErrProcessDone
	}
	return p, nil
}
