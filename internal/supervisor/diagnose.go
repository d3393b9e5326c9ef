package supervisor

import (
	"bytes"
	"syscall"

	"github.com/procpool/procpool/event"
	"github.com/procpool/procpool/internal/process"
)

// diagnose tells why the process ended: by the pool's own record first, then by what it left behind, then by the
// signal that ended it.
func (w *worker) diagnose(st process.Status) (cause event.Cause, signal int, detail string) {
	w.mu.Lock()
	cause, detail = w.cause, w.detail
	planned := w.planned
	w.mu.Unlock()
	signal = int(st.Signal)
	switch {
	case cause != event.CauseNone:
	case st.Signal != 0:
		cause, detail = w.diagnoseSignal(st.Signal)
	case len(w.crash) > 0:
		cause = event.CauseCrashed
		signal = int(signalIn(w.crash))
	case planned && st.ExitCode == 0:
	default:
		cause = event.CauseExited
	}
	return cause, signal, detail
}

func (w *worker) diagnoseSignal(sig syscall.Signal) (event.Cause, string) {
	switch sig {
	case syscall.SIGSEGV, syscall.SIGABRT, syscall.SIGBUS, syscall.SIGILL, syscall.SIGFPE, syscall.SIGTRAP, sigsys:
		return event.CauseCrashed, ""
	case syscall.SIGKILL:
		if w.s.oomKilled() {
			return event.CauseOutOfMemory, "the kernel's OOM killer ended it"
		}
	}
	return event.CauseKilledOutside, ""
}

// signalIn finds the fatal signal in the text that Go's runtime or Python's faulthandler writes about its own end; 0 if
// it was no signal.
func signalIn(text []byte) syscall.Signal {
	if len(text) > 4096 {
		text = text[:4096]
	}
	for _, s := range []struct {
		name string
		sig  syscall.Signal
	}{
		{"SIGSEGV", syscall.SIGSEGV},
		{"SIGABRT", syscall.SIGABRT},
		{"SIGBUS", syscall.SIGBUS},
		{"SIGILL", syscall.SIGILL},
		{"SIGFPE", syscall.SIGFPE},
		{"SIGTRAP", syscall.SIGTRAP},
	} {
		if bytes.Contains(text, []byte(s.name)) {
			return s.sig
		}
	}
	return 0
}
