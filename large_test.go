//go:build unix

package procpool_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/procpool/procpool"
	"github.com/procpool/procpool/event"
	"github.com/procpool/procpool/pooltest"
)

// largeOr answers with its argument, unless that begins with an order.
var largeOr = procpool.Define("large.or", func(ctx context.Context, b procpool.View) (procpool.View, error) {
	switch b[0] {
	case 1:
		return nil, errors.New("ordered")
	case 2:
		select {
		case <-ctx.Done():
		case <-time.After(time.Hour):
		}
	case 3:
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
	}
	return b, nil
})

// The memory of large arguments is used again, and never while somebody still reads it: each task gets its own argument,
// whatever becomes of those before it.
func TestLargeArgumentsStayApart(t *testing.T) {
	for name, method := range map[string]procpool.StartMethod{"ring": procpool.Spawn(), "pipe": procpool.Command(os.Args[0]), "goroutines": procpool.Goroutines()} {
		t.Run(name, func(t *testing.T) {
			pooltest.Check(t)
			p, err := procpool.New(procpool.Config{Processes: 2, StartMethod: method, Grace: -1})
			if err != nil {
				t.Fatal(err)
			}
			defer p.Join(context.Background())
			defer p.Terminate()
			var callers sync.WaitGroup // each ends after its calls
			for seed := range 4 {
				callers.Go(func() { largeCalls(t, p, uint64(seed), name == "goroutines") })
			}
			callers.Wait()
		})
	}
}

func largeCalls(t *testing.T, p *procpool.Pool, seed uint64, immortal bool) {
	random := rand.New(rand.NewPCG(seed, 0))
	for i := range 30 {
		in := bytes.Repeat([]byte{byte(10 + random.IntN(200))}, 60<<10+random.IntN(600<<10))
		in[0] = byte(random.IntN(12))
		if immortal && in[0] >= 2 && in[0] <= 3 {
			in[0] = 0
		}
		ctx, stop := context.Background(), context.CancelFunc(func() {})
		if in[0] == 2 {
			ctx, stop = context.WithTimeout(ctx, time.Duration(random.IntN(3000))*time.Microsecond)
		}
		out, err := largeOr.With(procpool.CallOptions{Retries: random.IntN(2)}).Apply(ctx, p, in)
		stop()
		if fails := in[0] == 1 || in[0] == 3; fails != (err != nil) && in[0] != 2 { // 2 may hear of its end first, and answer
			t.Errorf("call %d with order %d: %v", i, in[0], err)
		} else if err == nil && !bytes.Equal(in, out) {
			t.Errorf("call %d: %d bytes came back as others", i, len(in))
		}
	}
}

// Observers hear of a large task also when they are slow, and the memory of its argument is another's by then.
func TestLargeArgumentsAreTold(t *testing.T) {
	pooltest.Check(t)
	p, err := procpool.New(procpool.Config{Processes: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Terminate()
	if err := p.WaitReady(t.Context()); err != nil {
		t.Fatal(err)
	}
	answered := make(chan struct{})
	var told []string // owned by the observer, until it ends
	stop := p.Observe(func(e event.Event) {
		<-answered
		told = append(told, fmt.Sprintf("%T", e))
	})
	for range 3 {
		if _, err := largeOr.Apply(t.Context(), p, make([]byte, 256<<10)); err != nil {
			t.Error(err)
		}
	}
	close(answered)
	p.Close()
	if err := p.Join(t.Context()); err != nil {
		t.Error(err)
	}
	stop()
	queued := 0
	for _, e := range told {
		if e == "event.TaskQueued" {
			queued++
		}
	}
	if queued != 3 {
		t.Errorf("3 tasks were queued; told: %q", told)
	}
}
