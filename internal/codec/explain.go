package codec

import (
	"errors"
	"fmt"
	"reflect"
)

// What the readers answer when they cannot read. It costs nothing; explain turns the last two into words.
var (
	errSlow  = errors.New("the library must judge this") // malformed, or valid but rare: tags, indefinite lengths
	errKind  = errors.New("another kind of value")
	errRange = errors.New("out of range")
)

// notPlain tells what to do about a head that a reader did not expect.
func notPlain(major, info byte, n int) error {
	if n == 0 || info == indefinite || major == majorTag {
		return errSlow
	}
	return errKind
}

func (s *shape) explain(src []byte, err error) error { return explain(src, err, s.typ) }

// explain puts into words why the item at the start of src is no t.
func explain(src []byte, err error, t reflect.Type) error {
	switch err {
	case errKind:
		return fmt.Errorf("cannot decode %s into %v", what(src), t)
	case errRange:
		return fmt.Errorf("cannot decode %s into %v: out of range", what(src), t)
	}
	return err
}

// what names the item at the start of src.
func what(src []byte) string {
	major, info, arg, n := head(src)
	if n == 0 {
		return "a value that ends early"
	}
	switch major {
	case majorUint:
		return fmt.Sprintf("integer %d", arg)
	case majorNeg:
		return negative(arg)
	case majorBytes:
		return "byte string"
	case majorText:
		return "text string"
	case majorArray:
		return "array"
	case majorMap:
		return "map"
	case majorTag:
		return fmt.Sprintf("tag %d", arg)
	}
	return simple(src, info)
}

func negative(arg uint64) string {
	if arg+1 == 0 {
		return "integer -18446744073709551616"
	}
	return fmt.Sprintf("integer -%d", arg+1)
}

func simple(src []byte, info byte) string {
	switch src[0] {
	case itemFalse, itemTrue:
		return "bool"
	case itemNull, itemUndefined:
		return "null"
	}
	if 25 <= info && info <= 27 {
		f, _, _ := readFloat[float64](src)
		return fmt.Sprintf("float %v", f)
	}
	return "simple value"
}
