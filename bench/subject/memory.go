package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime/debug"
	"strings"
)

func init() {
	work("imap-peak", func(n []int) ([]float64, error) {
		p, err := pools.warm(0)
		if err != nil {
			return nil, err
		}
		forgetPeak()
		err = imap(p, n[0])
		return []float64{status(os.Getpid(), "status", "VmHWM")}, err
	})
}

// forgetPeak makes the kernel measure the peak of this process's memory anew.
func forgetPeak() {
	debug.FreeOSMemory()
	os.WriteFile("/proc/self/clear_refs", []byte("5"), 0)
}

// status returns the sum of a process's lines with this name, in a file of /proc; 0 if there is none. Sizes are in KiB.
func status(pid int, file, name string) (sum float64) {
	f, err := os.Open(fmt.Sprintf("/proc/%d/%s", pid, file))
	if err != nil {
		return 0
	}
	defer f.Close()
	for in := bufio.NewScanner(f); in.Scan(); {
		var v float64
		if rest, ok := strings.CutPrefix(in.Text(), name+":"); ok {
			fmt.Sscan(rest, &v)
			sum += v
		}
	}
	return sum
}
