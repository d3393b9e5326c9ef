package python

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/procpool/procpool/internal/transport"
)

// A worker runs nothing of its program before the kernel has been told to end it with its pool: a pool that is killed
// right after it has started a worker leaves neither the worker nor anything that the program would have started.
func TestLifelineFirst(t *testing.T) {
	group := exec.Command("sleep", "1000") // the tests' own may have no number here: in a namespace that it was there before
	group.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := group.Start(); err != nil {
		t.Fatal(err)
	}
	defer group.Wait()
	defer group.Process.Kill()
	for _, bound := range []bool{false, true} {
		mark := filepath.Join(t.TempDir(), "ran")
		o := script(t, "import sys\nopen(sys.argv[1], 'w').close()")
		o.Python, o.Args = interpreters(t)[0], []string{mark}
		path, args, err := command(o)
		if err != nil {
			t.Fatal(err)
		}
		worker := exec.Command(path, args...)
		callsR, callsW := pipe(t)
		answersR, answersW := pipe(t)
		lineR, lineW := pipe(t)
		board, boardFile, err := transport.NewBoard(0)
		if err != nil {
			t.Fatal(err)
		}
		defer board.Close()
		settings := []struct{ set, to int }{{unix.F_SETSIG, int(unix.SIGURG)}, {unix.F_SETFL, unix.O_ASYNC}} // which does nothing
		if bound {
			settings = append(settings, struct{ set, to int }{unix.F_SETOWN, -group.Process.Pid})
		}
		for _, s := range settings {
			if _, err := unix.FcntlInt(lineR.Fd(), s.set, s.to); err != nil {
				t.Fatal(err)
			}
		}
		worker.Env = append(os.Environ(), "PROCPOOL_WORKER=pipe")
		worker.ExtraFiles = []*os.File{callsR, answersW, boardFile, lineR}
		var errs strings.Builder
		worker.Stderr = &errs
		if err := worker.Start(); err != nil {
			t.Fatal(err)
		}
		for _, f := range []*os.File{callsR, callsW, answersR, answersW, boardFile, lineR, lineW} { // the pool dies
			f.Close()
		}
		worker.Wait()
		if _, err := os.Stat(mark); (err == nil) != bound {
			t.Errorf("with the lifeline bound: %v, what ran: %v; %s", bound, err == nil, errs.String())
		}
	}
}
