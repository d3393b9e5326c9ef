package progress

import (
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
)

// bar is a bar on a terminal.
type bar struct {
	lib   *progressbar.ProgressBar
	shown bool
	total int
}

const unknown = -1

func newBar(f *os.File) *bar {
	b := &bar{total: unknown}
	b.lib = progressbar.NewOptions64(unknown,
		progressbar.OptionSetWriter(f),
		progressbar.OptionShowCount(),
		progressbar.OptionShowIts(),
		progressbar.OptionSetItsString("items"),
		progressbar.OptionSetPredictTime(true),
		progressbar.OptionSetWidth(20),
		progressbar.OptionShowDescriptionAtLineEnd(),
		progressbar.OptionThrottle(time.Millisecond), // the caller has a rhythm
		progressbar.OptionSetRenderBlankState(false),
		progressbar.OptionSetSpinnerChangeInterval(0), // else it draws on a goroutine of its own, beside show
	)
	return b
}

// show draws the bar.
func (b *bar) show(s State) {
	if s.Total != b.total && s.Total > 0 {
		b.total = s.Total
		b.lib.ChangeMax64(int64(s.Total))
	}
	b.shown = true
	b.lib.Describe(s.details())
	b.lib.Set64(int64(s.Done))
}

// clear removes the bar until it is shown again.
func (b *bar) clear() {
	if b.shown {
		b.lib.Clear()
		b.shown = false
	}
}
