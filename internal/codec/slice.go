package codec

import "fmt"

// appendSlice appends a plain array, each element by add.
func appendSlice[E any](dst []byte, list []E, add func([]byte, E) []byte) []byte {
	if list == nil {
		return append(dst, itemNull)
	}
	dst = appendHead(dst, majorArray, uint64(len(list)))
	for _, e := range list {
		dst = add(dst, e)
	}
	return dst
}

// readSlice reads null or a plain array, each element by read.
func readSlice[E any](s *shape, src []byte, read func([]byte) (E, []byte, error)) (list []E, rest []byte, err error) {
	if isNull(src) {
		return nil, src[1:], nil
	}
	major, info, arg, n := head(src)
	if major != majorArray || n == 0 || info == indefinite {
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
