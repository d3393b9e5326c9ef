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
	Most  int    // bytes of an item: what the pool takes
	Spill string // a directory for the texts of items that are too long; empty: they are not kept

	format Format
	files  []*os.File
	err    error
	next   int // index of the next item
}

// Open opens an input: the files, or standard input if there are none, or where one is named "-". It opens all of them,
// so that a missing one is told before anything runs.
func Open(paths []string, f Format) (*Source, error) {
	s := &Source{format: f, Most: mostBytes}
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
		it, err := s.piece(r)
		if err != nil && err != io.EOF {
			s.err = fmt.Errorf("reading the input: %w", err)
			return false
		}
		if err == io.EOF && it.Text == "" && it.Err == nil {
			return true
		}
		place.Line++
		if s.format == JSON && strings.TrimSpace(it.Text) == "" && it.Err == nil {
			continue
		}
		it.Index, it.Place = s.next, place
		if !yield(it) {
			return false
		}
		s.next++
	}
}

// piece reads one item.
func (s *Source) piece(r *bufio.Reader) (it Item, err error) {
	part, err := r.ReadSlice(s.format.end())
	if err == nil && len(part) <= s.Most+1 {
		return Item{Text: string(part[:len(part)-1])}, nil
	}
	var b strings.Builder
	for errors.Is(err, bufio.ErrBufferFull) && b.Len()+len(part) <= s.Most {
		b.Write(part)
		part, err = r.ReadSlice(s.format.end())
	}
	b.Write(part)
	text := b.String()
	if err == nil {
		text = text[:len(text)-1]
	}
	if len(text) > s.Most {
		return s.tooLong(r, text, err)
	}
	return Item{Text: text}, err
}

// tooLong reads the rest of an item that begins with text and is longer than the limit. err tells how text ended.
func (s *Source) tooLong(r *bufio.Reader, text string, err error) (Item, error) {
	size := int64(len(text))
	over, failed := s.overflow(text)
	for failed == nil && errors.Is(err, bufio.ErrBufferFull) {
		var part []byte
		if part, err = r.ReadSlice(s.format.end()); err == nil {
			part = part[:len(part)-1]
		}
		size += int64(len(part))
		failed = over.add(part)
	}
	if failed != nil {
		return Item{}, failed
	}
	return Item{Err: tooLong(size, s.Most), Overflow: over}, err
}
