package supervisor

import (
	"fmt"

	"github.com/procpool/procpool/event"
	"github.com/procpool/procpool/internal/process"
)

// diagnose tells why the process ended: by the pool's own record first, then by what it left behind, then by the
// signal that ended it.
func (w *worker) diagnose(st process.Status) (cause event.Cause, signal int, detail string) {
	w.mu.Lock()
	cause, detail = w.cause, w.detail
	planned := w.planned || w.spent()
	w.mu.Unlock()
	signal = int(st.Signal)
	switch {
	case cause != event.CauseNone:
	case st.Signal != 0:
		cause, detail = w.diagnoseSignal(st)
	case len(w.crash) > 0:
		cause = event.CauseCrashed
		signal = int(process.FatalIn(w.crash[:min(len(w.crash), crashHead)]))
	case planned && st.ExitCode == 0:
	default:
		cause = event.CauseExited
	}
	return cause, signal, detail
}

func (w *worker) diagnoseSignal(st process.Status) (event.Cause, string) {
	switch {
	case process.Fatal(st.Signal):
		return event.CauseCrashed, ""
	case process.Killed(st.Signal) && st.OOMKills > 0:
		return event.CauseOutOfMemory, fmt.Sprintf("the kernel ended it at Recycle.HardMemory of %d bytes; it had held %d",
			w.s.cfg.HardMemory, st.MaxRSS)
	case process.Killed(st.Signal) && w.s.oomKilled():
		return event.CauseOutOfMemory, "the kernel's OOM killer ended it"
	}
	return event.CauseKilledOutside, ""
}

// crashHead is where the text of a crash names its signal, if it was one; the stacks that follow may name others.
const crashHead = 2048
