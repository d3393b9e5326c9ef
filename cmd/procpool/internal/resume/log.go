// Package resume keeps a log of finished items, from which a run that was cut off can go on.
//
// The log is text: a first line that says what it is, then a line for each item that has ended and been printed: + or -,
// as it succeeded or failed, its index, and a checksum of its text, so that another input is noticed. A line without its
// end was cut off with the run that wrote it, and does not count.
package resume

import (
	"bufio"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"strconv"
	"strings"
)

const heading = "procpool log 1\n"

// Log is a log that is written. It belongs to one goroutine.
type Log struct {
	f    *os.File
	buf  []byte
	done Done
}

// Open opens a log, which is then this process's alone, until it ends. With goOn it may hold what an earlier run finished,
// else it must be new.
func Open(path string, goOn bool) (*Log, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	l := &Log{f: f}
	if err := l.load(goOn); err != nil {
		f.Close()
		return nil, fmt.Errorf("log %s: %w", path, err)
	}
	return l, nil
}

func (l *Log) load(goOn bool) error {
	if err := lock(l.f); err != nil {
		return err
	}
	info, err := l.f.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return errors.New("it is no regular file")
	}
	if info.Size() > 0 && !goOn {
		return errors.New("it exists: go on with --resume, or remove it")
	}
	end, err := l.done.read(l.f)
	if err != nil {
		return err
	}
	if err := l.f.Truncate(end); err != nil {
		return err
	}
	if _, err := l.f.Seek(end, io.SeekStart); err != nil {
		return err
	}
	if end == 0 {
		l.buf = append(l.buf, heading...)
	}
	return nil
}

// read takes in what a log holds, and returns where its last whole line ends.
func (d *Done) read(r io.Reader) (end int64, err error) {
	b := bufio.NewReader(r)
	for n := 0; ; n++ {
		line, err := b.ReadString('\n')
		switch {
		case err == io.EOF && n == 0 && !strings.HasPrefix(heading, line):
			return 0, errNoLog
		case err == io.EOF:
			return end, nil
		case err != nil:
			return end, err
		case n == 0 && line != heading:
			return 0, errNoLog
		case n > 0:
			if err := d.add(line); err != nil {
				return 0, fmt.Errorf("line %d: %w", n+1, err)
			}
		}
		end += int64(len(line))
	}
}

var errNoLog = errors.New("it is no log of procpool's")

func (d *Done) add(line string) error {
	parts := strings.Fields(line)
	if len(parts) != 3 || parts[0] != "+" && parts[0] != "-" {
		return fmt.Errorf("cannot read %q", line)
	}
	index, err := strconv.Atoi(parts[1])
	sum, err2 := strconv.ParseUint(parts[2], 16, 32)
	if err := errors.Join(err, err2); err != nil {
		return err
	}
	d.set(index, uint32(sum), parts[0] == "-")
	return nil
}

// Done returns what earlier runs have finished.
func (l *Log) Done() *Done { return &l.done }

// Add notes an item. It returns how much is noted, for Write.
func (l *Log) Add(index int, text string, failed bool) (noted int) {
	mark := byte('+')
	if failed {
		mark = '-'
	}
	l.buf = append(l.buf, mark, ' ')
	l.buf = strconv.AppendInt(l.buf, int64(index), 10)
	l.buf = fmt.Appendf(l.buf, " %08x\n", checksum(text))
	return len(l.buf)
}

// Noted returns how much is noted and not written.
func (l *Log) Noted() int { return len(l.buf) }

// Write writes so much of what was noted. A process that is killed later has it in the log.
func (l *Log) Write(noted int) error {
	if noted == 0 {
		return nil
	}
	_, err := l.f.Write(l.buf[:noted])
	l.buf = append(l.buf[:0], l.buf[noted:]...)
	return err
}

// Sync makes what was written outlive the machine's end too.
func (l *Log) Sync() error { return l.f.Sync() }

// Close closes the log.
func (l *Log) Close() error { return l.f.Close() }

var table = crc32.MakeTable(crc32.Castagnoli)

func checksum(text string) uint32 { return crc32.Checksum([]byte(text), table) }
