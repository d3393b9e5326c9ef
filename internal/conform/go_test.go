package conform

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/procpool/procpool"
)

// This test is a Go worker, which the rules are held against too.
var (
	_ = procpool.Define(taskEcho, func(_ context.Context, v any) (any, error) { return v, nil })
	_ = procpool.Define(taskFail, func(_ context.Context, text string) (any, error) { return nil, errors.New(text) })
	_ = procpool.Define(taskSleep, func(ctx context.Context, seconds float64) (any, error) {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(time.Duration(seconds * float64(time.Second))):
			return nil, nil
		}
	})
	_ = procpool.Define(taskPid, func(context.Context, any) (int, error) { return os.Getpid(), nil })
	_ = procpool.Define(taskPrint, func(_ context.Context, text string) (any, error) {
		fmt.Println(text)
		return nil, nil
	})
	_ = procpool.Define(taskRetire, func(ctx context.Context, _ any) (any, error) {
		procpool.RetireWorker(ctx)
		return nil, nil
	})
	_ = procpool.Define(taskShell, func(_ context.Context, command string) (string, error) {
		out, err := exec.Command("sh", "-c", command).Output()
		return string(out), err
	})
	kept any
	_    = procpool.DefineInitializer(initKeep, func(_ context.Context, v any) (func(), error) {
		kept = v
		return nil, nil
	})
	_ = procpool.Define(initKeep, func(context.Context, any) (any, error) { return kept, nil })
)

// A worker built with the race detector would take a second to exit.
func init() { os.Setenv("GORACE", "atexit_sleep_ms=0") }

func TestMain(m *testing.M) {
	procpool.WorkerMain()
	os.Exit(m.Run())
}

func TestGo(t *testing.T) {
	report := Run(t.Context(), os.Args[0], nil, Options{FixHints: true, Patience: 15 * time.Second})
	for _, c := range report.Checks {
		if c.Rule == "spread" { // a Go function's type says what its arguments are
			continue
		}
		if c.Err != nil || c.Skipped != "" {
			t.Fatalf("\n%v", report)
		}
	}
}
