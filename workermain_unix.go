//go:build linux || darwin

package procpool

import (
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"syscall"

	"github.com/procpool/procpool/internal/child"
	"github.com/procpool/procpool/internal/process"
	"github.com/procpool/procpool/internal/transport"
)

// The descriptors of a worker.
const (
	fdCalls    = 3
	fdResults  = 4
	fdBoard    = 5
	fdLifeline = 6
)

// serve serves the pool at the other end of the descriptors.
func serve(over string) error {
	for fd := fdCalls; fd <= fdLifeline; fd++ {
		syscall.CloseOnExec(fd)
	}
	if !process.Settle(fdLifeline) {
		leaveAtOnce()
	}
	board, err := transport.OpenBoard(fdBoard)
	if err != nil {
		return fmt.Errorf("%s is set, but this process was not started by a pool: %w", marker, err)
	}
	crash := os.NewFile(fdBoard, "crash")
	debug.SetCrashOutput(crash, debug.CrashOptions{})
	results := os.NewFile(fdResults, "results")
	calls := os.NewFile(fdCalls, "calls")
	if over == overRings { // it brings control frames only: whoever reads them must not take a thread
		calls = transport.Pollable(calls)
	}
	pipe := transport.NewPipePeer(calls, results)
	ch := child.Channel{Calls: pipe, Control: pipe, Board: board, Gone: leaveAtOnce}
	if over == overRings {
		ch.Calls = transport.NewRingPeer(board, results)
	}
	err = child.Serve(program(), ch, os.Getpid())
	if err == io.EOF {
		leaveAtOnce()
	}
	return err
}

// leaveAtOnce ends a worker whose pool is gone, with everything it started.
func leaveAtOnce() {
	syscall.Kill(-os.Getpid(), syscall.SIGKILL) // a worker leads its process group
	os.Exit(1)
}
