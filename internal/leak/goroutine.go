package leak

import (
	"runtime"
	"strings"
)

// goroutines adds every goroutine but the caller's, with its stack.
func goroutines(now things) {
	all := strings.Split(stacks(), "\n\n")
	for _, stack := range all[1:] { // the caller's comes first
		if id, _, ok := strings.Cut(stack, " ["); ok && !ofRuntime(stack) {
			now[id] = strings.TrimSpace(stack)
		}
	}
}

func stacks() string {
	for size := 64 << 10; ; size *= 2 {
		buf := make([]byte, size)
		if n := runtime.Stack(buf, true); n < size {
			return string(buf[:n])
		}
	}
}

// ofRuntime reports whether the goroutine is one that the standard library starts once and never ends.
func ofRuntime(stack string) bool {
	for _, once := range []string{"os/signal.signal_recv", "os/signal.loop", "runtime.ensureSigM"} {
		if strings.Contains(stack, once) {
			return true
		}
	}
	return false
}
