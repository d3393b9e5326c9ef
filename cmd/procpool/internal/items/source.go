package items

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// Source is an input. It is read by one goroutine.
type Source struct {
	format Format
	files  []*os.File
	most   int // bytes of an item
	err    error
	next   int // index of the next item
}

// Open opens an input: the files, or standard input if there are none, or where one is named "-". It opens all of them,
// so that a missing one is told before anything runs.
func Open(paths []string, f Format) (*Source, error) {
	s := &Source{format: f, most: mostBytes}
	if len(paths) == 0 {
		paths = []string{"-"}
	}
	for _, path := range paths {
		file, err := open(path)
		if err != nil {
			s.Close()
			return nil, err
		}
		s.files = append(s.files, file)
	}
	return s, nil
}

func open(path string) (*os.File, error) {
	if path == "-" {
		return os.Stdin, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	if info, err := f.Stat(); err == nil && info.IsDir() {
		f.Close()
		return nil, fmt.Errorf("%s is a directory: name its files", path)
	}
	return f, nil
}

// Close closes the files.
func (s *Source) Close() {
	for _, f := range s.files {
		if f != os.Stdin {
			f.Close()
		}
	}
}

// Files returns what is read.
func (s *Source) Files() []*os.File { return s.files }

// Err returns why reading ended too early; nil at the true end. Call it after All.
func (s *Source) Err() error { return s.err }

// All yields the items. It may be ranged over once.
func (s *Source) All(yield func(Item) bool) {
	for _, f := range s.files {
		if !s.read(f, yield) {
			return
		}
	}
}

// read yields the items of one file. It reports whether to go on.
func (s *Source) read(f *os.File, yield func(Item) bool) bool {
	r := bufio.NewReaderSize(f, 64<<10)
	place := Place{}
	if f != os.Stdin {
		place.File = f.Name()
	}
	for {
		text, long, err := s.piece(r)
		if err != nil && err != io.EOF {
			s.err = fmt.Errorf("reading the input: %w", err)
			return false
		}
		if err == io.EOF && text == "" && long == nil {
			return true
		}
		place.Line++
		if s.format == JSON && strings.TrimSpace(text) == "" && long == nil {
			continue
		}
		if !yield(Item{Index: s.next, Text: text, Place: place, Err: long}) {
			return false
		}
		s.next++
	}
}

// piece reads one item. One that is too long is read to its end and not kept: long says so.
func (s *Source) piece(r *bufio.Reader) (text string, long, err error) {
	part, err := r.ReadSlice(s.format.end())
	if err == nil && len(part) <= s.most+1 {
		return string(part[:len(part)-1]), nil, nil
	}
	var b strings.Builder
	var total int64
	for {
		if total += int64(len(part)); total <= int64(s.most)+1 {
			b.Write(part)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			break
		}
		part, err = r.ReadSlice(s.format.end())
	}
	if err == nil {
		total-- // its end
	}
	if total > int64(s.most) {
		return "", tooLong(total, s.most), err
	}
	return strings.TrimSuffix(b.String(), s.format.End()), nil, err
}
