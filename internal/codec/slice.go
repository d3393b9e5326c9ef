package codec

import (
	"fmt"

	"github.com/procpool/procpool/internal/item"
)

// appendSlice appends a plain array, each element by add.
func appendSlice[E any](dst []byte, list []E, add func([]byte, E) []byte) []byte {
	if list == nil {
		return append(dst, item.Null)
	}
	dst = item.AppendHead(dst, item.Array, uint64(len(list)))
	for _, e := range list {
		dst = add(dst, e)
	}
	return dst
}

// readSlice reads null or a plain array, each element by read.
func readSlice[E any](s *shape, src []byte, read func([]byte) (E, []byte, error)) (list []E, rest []byte, err error) {
	if item.IsNull(src) {
		return nil, src[1:], nil
	}
	major, info, arg, n := item.Head(src)
	if major != item.Array || n == 0 || info == item.Indefinite {
		return nil, nil, s.explain(src, notPlain(major, info, n))
	}
	rest = src[n:]
	if arg > uint64(len(rest)) { // an element takes a byte at least: claims do not allocate
		return nil, nil, errSlow
	}
	list = make([]E, arg)
	for i := range list {
		at := rest
		if list[i], rest, err = read(at); err != nil {
			return nil, nil, s.explainElement(i, at, err)
		}
	}
	return list, rest, nil
}

// explainElement is explain for element i of a slice.
func (s *shape) explainElement(i int, src []byte, err error) error {
	if err == errSlow {
		return err
	}
	return fmt.Errorf("element %d of %v: %w", i, s.typ, explain(src, err, s.typ.Elem()))
}
