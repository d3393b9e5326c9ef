// Checksum prints the SHA-256 of every regular file in a directory tree, in the format of sha256sum, hashing on all
// processors:
//
//	checksum DIR
//
// Lines come in the order in which files are done. What can't be read is reported and skipped; symbolic links below DIR
// are not followed. The exit code is 1 if anything was skipped, and 2 after a wrong call.
package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/procpool/procpool"
)

// sum is a file's line. The path is bytes: on most systems a name need not be valid UTF-8, as a string would have to be.
type sum struct {
	Path []byte
	Hex  string
}

// hash runs in the workers, which read the files themselves: only paths and sums travel.
var hash = procpool.Define("hash", func(_ context.Context, path []byte) (sum, error) {
	f, err := os.Open(string(path))
	if err != nil {
		return sum{}, err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return sum{}, err
	}
	return sum{path, hex.EncodeToString(h.Sum(nil))}, nil
})

func main() {
	procpool.WorkerMain()
	flag.Usage = func() { fmt.Fprintln(os.Stderr, "usage: checksum DIR") }
	flag.Parse()
	if flag.NArg() != 1 || flag.Arg(0) == "" {
		flag.Usage()
		os.Exit(2)
	}
	var skipped skips
	if err := run(context.Background(), flag.Arg(0), &skipped); err != nil {
		skipped.report(err)
	}
	if skipped.any() {
		os.Exit(1)
	}
}

// run prints a line for each file below dir. It returns an error if it could not go on.
func run(ctx context.Context, dir string, skipped *skips) error {
	pool, err := procpool.New(procpool.Config{})
	if err != nil {
		return err
	}
	defer pool.Terminate()
	for item := range hash.IMapUnordered(ctx, pool, files(dir, skipped.report)) {
		switch {
		case item.Err != nil && item.Index < 0: // the whole failed, not one file
			return item.Err
		case item.Err != nil:
			skipped.report(item.Err)
		default:
			if _, err := fmt.Println(item.Value); err != nil {
				return err
			}
		}
	}
	return nil
}

var escape = strings.NewReplacer(`\`, `\\`, "\n", `\n`, "\r", `\r`)

// String returns the line that sha256sum prints. A name that would break the line is escaped; a backslash in front says so.
func (s sum) String() string {
	name, mark := escape.Replace(string(s.Path)), ""
	if name != string(s.Path) {
		mark = `\`
	}
	return mark + s.Hex + "  " + name
}

// reason is an error without what the pool says around it: the name of the file is in the worker's own text.
func reason(err error) error {
	if task, ok := errors.AsType[*procpool.TaskError](err); ok && !task.Panic {
		return errors.New(task.Message)
	}
	return err
}
