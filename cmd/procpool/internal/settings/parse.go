package settings

import (
	"fmt"
	"strconv"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/pflag"
)

// ParseDuration takes what people write: 1.5s, 2h30m, or a plain number of seconds.
func ParseDuration(text string) (time.Duration, error) {
	if d, err := time.ParseDuration(text); err == nil {
		return d, nil
	}
	seconds, err := strconv.ParseFloat(text, 64)
	if err != nil || seconds != seconds || seconds > 1e9 || seconds < -1e9 {
		return 0, fmt.Errorf("%q is no duration: write 1.5s, 300ms or 2h", text)
	}
	return time.Duration(seconds * float64(time.Second)), nil
}

// duration is a flag.
type duration struct{ d *time.Duration }

func (v duration) String() string {
	if v.d == nil || *v.d == 0 {
		return ""
	}
	return v.d.String()
}

func (v duration) Type() string { return "duration" }

func (v duration) Set(text string) (err error) {
	*v.d, err = ParseDuration(text)
	return err
}

// size is a flag: bytes.
type size struct{ n *uint64 }

func (v size) String() string {
	if v.n == nil || *v.n == 0 {
		return ""
	}
	return humanize.IBytes(*v.n)
}

func (v size) Type() string { return "size" }

func (v size) Set(text string) error {
	n, err := humanize.ParseBytes(text)
	if err != nil {
		return fmt.Errorf("%q is no size: write 512MiB, 2GB or 100000", text)
	}
	*v.n = n
	return nil
}

var (
	_ pflag.Value = duration{}
	_ pflag.Value = size{}
)
