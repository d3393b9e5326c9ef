//go:build unix

package procpool_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/procpool/procpool"
)

var (
	smokeInc   = procpool.Define("smoke.inc", func(_ context.Context, n int) (int, error) { return n + 1, nil })
	smokeFail  = procpool.Define("smoke.fail", func(_ context.Context, n int) (int, error) { return 0, fmt.Errorf("no %d: %w", n, os.ErrNotExist) })
	smokePanic = procpool.Define("smoke.panic", func(_ context.Context, n int) (int, error) { panic("aua") })
	smokeKill  = procpool.Define("smoke.kill", func(_ context.Context, n int) (int, error) {
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	})
	smokeSleep = procpool.Define("smoke.sleep", func(ctx context.Context, d time.Duration) (int, error) {
		select {
		case <-time.After(d):
			return 1, nil
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	})
	smokeEcho  = procpool.Define("smoke.echo", func(_ context.Context, b []byte) ([]byte, error) { return b, nil })
	smokeBlind = procpool.Define("smoke.blind", func(_ context.Context, d time.Duration) (int, error) { time.Sleep(d); return 1, nil })
)

func TestSmoke(t *testing.T) {
	for name, m := range map[string]procpool.StartMethod{"spawn": procpool.Spawn(), "command": procpool.Command("/proc/self/exe"), "goroutines": procpool.Goroutines()} {
		t.Run(name, func(t *testing.T) {
			ctx, done := context.WithTimeout(context.Background(), 20*time.Second)
			defer done()
			p, err := procpool.New(procpool.Config{Processes: 2, StartMethod: m, Grace: 50 * time.Millisecond})
			if err != nil {
				t.Fatal(err)
			}
			defer p.Terminate()
			if err := p.WaitReady(ctx); err != nil {
				t.Fatal(err)
			}
			for i := range 1000 {
				if v, err := smokeInc.Apply(ctx, p, i); err != nil || v != i+1 {
					t.Fatal(v, err)
				}
			}
			_, err = smokeFail.Apply(ctx, p, 3)
			t.Log(err, errors.Is(err, os.ErrNotExist))
			_, err = smokePanic.Apply(ctx, p, 3)
			t.Log(err)
			in := make([]int, 100000)
			for i := range in {
				in[i] = i
			}
			out, err := smokeInc.Map(ctx, p, in)
			if err != nil || out[99999] != 100000 {
				t.Fatal(err)
			}
			n := 0
			for v, err := range smokeInc.IMap(ctx, p, func(yield func(int) bool) {
				for i := range 10000 {
					if !yield(i) {
						return
					}
				}
			}) {
				if err != nil || v != n+1 {
					t.Fatal(v, err)
				}
				n++
			}
			big := make([]byte, 30<<20)
			big[12345] = 7
			b, err := smokeEcho.Apply(ctx, p, big)
			if err != nil || b[12345] != 7 || len(b) != len(big) {
				t.Fatal(err)
			}
			if name != "goroutines" {
				_, err = smokeKill.Apply(ctx, p, 3)
				t.Log(err)
			}
			c, stop := context.WithTimeout(ctx, 20*time.Millisecond)
			_, err = smokeSleep.Apply(c, p, time.Hour)
			t.Log(err)
			stop()
			_, err = smokeBlind.With(procpool.CallOptions{Timeout: 20 * time.Millisecond}).Apply(ctx, p, time.Second)
			t.Log(err, errors.Is(err, context.DeadlineExceeded))
			_, err = procpool.Declare[int, int]("nope").Apply(ctx, p, 1)
			t.Log(err)
			if v, err := smokeInc.Apply(ctx, p, 1); err != nil || v != 2 {
				t.Fatal(v, err)
			}
			t.Logf("%+v", p.Stats())
			t.Logf("%+v", p.Workers())
			if err := p.Shutdown(ctx); err != nil {
				t.Fatal(err)
			}
			t.Logf("%+v", p.Stats())
		})
	}
}
