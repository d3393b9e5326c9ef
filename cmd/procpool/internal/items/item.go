// Package items reads what is to be mapped: lines, texts between NUL bytes, or JSON values, from files or standard input.
package items

import (
	"fmt"

	"github.com/procpool/procpool/cmd/procpool/internal/value"
	"github.com/procpool/procpool/internal/codec"
	"github.com/procpool/procpool/internal/wire"
)

// Format is how items stand in the input.
type Format int

// The formats.
const (
	Lines Format = iota
	Null         // texts that end with a NUL byte
	JSON         // one value a line; empty lines are no items
)

// end is the byte that ends an item.
func (f Format) end() byte {
	if f == Null {
		return 0
	}
	return '\n'
}

// End returns the byte that ends an item, as a text.
func (f Format) End() string { return string(rune(f.end())) }

// Item is one piece of input.
type Item struct {
	Index int    // in the whole input, from 0
	Text  string // as it was read, without its end
	Place Place
	Err   error // why it cannot be sent to a worker: it is too long

	Overflow *Overflow // its text, then, if it is kept
}

// Place is where an item stands.
type Place struct {
	File string // empty for standard input
	Line int    // from 1; counts items where they are no lines
}

// Encode returns the item as a worker takes it.
func (it *Item) Encode(f Format) (codec.Raw, error) {
	if it.Err != nil {
		return nil, it.Err
	}
	if f != JSON {
		return value.FromText(it.Text), nil
	}
	raw, err := value.FromJSON(it.Text)
	if err != nil {
		return nil, &InputError{fmt.Errorf("invalid JSON on line %d: %w", it.Place.Line, err)}
	}
	return raw, nil
}

// String names the item as people count: from 1. The place is told where it is not the same number.
func (it *Item) String() string {
	number := fmt.Sprintf("item %d", it.Index+1)
	switch {
	case it.Place.Line == it.Index+1:
		return number
	case it.Place.File != "":
		return fmt.Sprintf("%s (%s:%d)", number, it.Place.File, it.Place.Line)
	}
	return fmt.Sprintf("%s (line %d)", number, it.Place.Line)
}

// InputError tells that an item itself is wrong.
type InputError struct{ Err error }

// Error tells what is wrong.
func (e *InputError) Error() string { return e.Err.Error() }

// Unwrap returns Err.
func (e *InputError) Unwrap() error { return e.Err }

// mostBytes is what the pool takes at most, less what encoding adds.
const mostBytes = wire.MaxPayload - 16

func tooLong(n int64, most int) error {
	return &InputError{fmt.Errorf("it has %d bytes, more than the limit of %d", n, most)}
}
