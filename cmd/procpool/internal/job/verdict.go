package job

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/kballard/go-shellquote"

	"github.com/procpool/procpool"
	"github.com/procpool/procpool/cmd/procpool/internal/items"
	"github.com/procpool/procpool/cmd/procpool/internal/progress"
	"github.com/procpool/procpool/event"
)

// verdict turns the end of a run into the exit code, and says what the failures of single items have not said.
func (j *job) verdict(err error, interrupted bool) error {
	n := j.mapper.Counts()
	failed := n.Failed + j.failedBefore()
	switch {
	case interrupted:
		fmt.Fprintf(j.stderr, "procpool: interrupted, %d items are done%s\n", n.Done()+j.doneBefore(), j.howToResume())
		return &Error{Code: Interrupted}
	case err != nil:
		if e, ok := errors.AsType[*Error](err); ok {
			return e
		}
		return &Error{CouldNotRun, err}
	case failed > 0:
		fmt.Fprintf(j.stderr, "procpool: %d of %d items failed%s\n", failed, n.Done()+j.doneBefore(), j.afterFailure(n.Failed))
		return &Error{Code: SomeFailed}
	}
	return nil
}

func (j *job) doneBefore() int {
	if j.log == nil {
		return 0
	}
	return j.log.Done().Len()
}

func (j *job) failedBefore() int {
	if j.log == nil {
		return 0
	}
	return j.log.Done().Failed()
}

// afterFailure says what holds besides.
func (j *job) afterFailure(now int) string {
	var more strings.Builder
	if before := j.failedBefore(); before > 0 && now > 0 {
		fmt.Fprintf(&more, ", %d of them before this run", before)
	} else if before > 0 {
		more.WriteString(", all of them before this run")
	}
	if j.Settings.Call.FailFast && now > 0 {
		more.WriteString("; the rest was canceled")
	}
	if j.KeepFailed != "" {
		more.WriteString("; they are in " + j.KeepFailed)
	}
	return more.String()
}

// howToResume says how to go on after an interruption.
func (j *job) howToResume() string {
	if j.log == nil {
		return "; with --log FILE a run can go on with --resume"
	}
	args := slices.Clone(os.Args[1:])
	if !j.Resume {
		args = slices.Insert(args, 1, "--resume")
	}
	hint := "; go on with: " + filepath.Base(os.Args[0]) + " " + shellquote.Join(args...)
	if len(j.Files) == 0 {
		hint += ", and the same input"
	}
	return hint
}

// state is how far the run is.
func (j *job) state() progress.State {
	st := j.pool.Stats()
	n := j.mapper.Counts()
	before := j.doneBefore()
	return progress.State{
		Done: n.Done() + before, Before: before, Failed: n.Failed, Total: j.total.get(),
		Busy: st.Busy, Workers: st.Processes, Recycled: recycled(st),
	}
}

func recycled(st procpool.Stats) (n int) {
	for reason, count := range st.Exits {
		if reason.Planned() && reason != event.ReasonClosed && reason != event.ReasonTerminated {
			n += int(count)
		}
	}
	return n
}

// counter is the length of the input, once it is known.
type counter struct{ n atomic.Int64 }

func (c *counter) count(s *items.Source) {
	if n, ok := s.Count(); ok {
		c.n.Store(int64(n))
	}
}

func (c *counter) get() int { return int(c.n.Load()) }
