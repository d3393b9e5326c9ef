package codec

import (
	"errors"
	"fmt"
	"reflect"

	"github.com/procpool/procpool/internal/item"
)

// What the readers answer when they cannot read. It costs nothing; explain turns the last two into words.
var (
	errSlow  = errors.New("the library must judge this") // malformed, or valid but rare: tags, item.Indefinite lengths
	errKind  = errors.New("another kind of value")
	errRange = errors.New("out of range")
)

// notPlain tells what to do about a head that a reader did not expect.
func notPlain(major, info byte, n int) error {
	if n == 0 || info == item.Indefinite || major == item.Tag {
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
	major, info, arg, n := item.Head(src)
	if n == 0 {
		return "a value that ends early"
	}
	switch major {
	case item.Uint:
		return fmt.Sprintf("integer %d", arg)
	case item.Neg:
		return negative(arg)
	case item.Bytes:
		return "byte string"
	case item.Text:
		return "text string"
	case item.Array:
		return "array"
	case item.Map:
		return "map"
	case item.Tag:
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
	case item.False, item.True:
		return "bool"
	case item.Null, item.Undefined:
		return "null"
	}
	if 25 <= info && info <= 27 {
		f, _, _ := readFloat[float64](src)
		return fmt.Sprintf("float %v", f)
	}
	return "simple value"
}
