package main

import (
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"sync/atomic"
)

// files yields the path of every regular file below dir, walking no further than it is asked to. What it can't read on its
// way it reports, and goes on.
func files(dir string, report func(error)) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		visit := func(path string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				report(err)
			case d.Type().IsRegular() && !yield([]byte(path)):
				return filepath.SkipAll
			}
			return nil
		}
		// With a separator behind it, dir may be a link to a directory, and must not be a file.
		filepath.WalkDir(dir+string(filepath.Separator), visit)
	}
}

// skips reports and counts what was skipped. The walk has a goroutine of its own, so two may report at a time.
type skips struct{ n atomic.Int64 }

func (s *skips) report(err error) {
	s.n.Add(1)
	fmt.Fprintln(os.Stderr, "checksum:", reason(err))
}

func (s *skips) any() bool { return s.n.Load() > 0 }
