package procpool

import (
	"fmt"
	"os"
)

// WorkerMain must be the first statement of main, and of TestMain, of a program that uses Spawn. In a process that a pool
// started it serves tasks and exits; anywhere else it returns at once. It removes its environment marker and closes its
// descriptors to programs that tasks start, so that those are not taken for workers.
func WorkerMain() {
	registry.mu.Lock()
	registry.serving = true
	registry.mu.Unlock()
	over := os.Getenv(marker)
	if over == "" {
		return
	}
	os.Unsetenv(marker)
	if err := serve(over); err != nil {
		fmt.Fprintf(os.Stderr, "procpool: worker: %v\n", err)
		os.Exit(1)
	}
	os.Exit(0)
}
