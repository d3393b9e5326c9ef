package codec

import (
	"bytes"
	"reflect"
	"unsafe"

	"github.com/procpool/procpool/internal/item"
)

// A struct whose fields all take the paths written here takes one, too. It becomes the same bytes that the library makes of it: a
// map with the fields in their order. Only such bytes are read here; a map in another order, with fields more or less, or
// with values that need a second look, is the library's.

// A field is one of a struct: where it lies, its shape, and what stands before its value: the key, and before the first one the
// head of the map.
type field struct {
	offset uintptr
	shape  *shape
	key    []byte
}

// fieldsOf returns the encoded fields of a struct; none if it needs the library.
func fieldsOf(t reflect.Type) []field {
	if t.Kind() != reflect.Struct || hasMethods(t) {
		return nil
	}
	names := map[string]bool{}
	var fields []field
	for i := range t.NumField() {
		f := t.Field(i)
		name, encoded, plain := keyOf(f)
		if !plain {
			return nil
		}
		if !encoded {
			continue
		}
		s := fieldShape(f.Type)
		if s == nil || names[name] {
			return nil
		}
		names[name] = true
		fields = append(fields, field{f.Offset, s, item.AppendText(nil, name)})
	}
	if len(fields) > 0 {
		fields[0].key = append(item.AppendHead(nil, item.Map, uint64(len(fields))), fields[0].key...)
	}
	return fields
}

// keyOf returns the name under which a field is encoded, if it is. What an option or embedding does to it only the library
// knows: then it is not plain.
func keyOf(f reflect.StructField) (name string, encoded, plain bool) {
	tag, ok := tagOf(f)
	switch {
	case f.Anonymous:
		return "", false, false
	case !ok:
		return f.Name, f.IsExported(), true
	case tag == "-":
		return "", false, true
	}
	for _, c := range tag {
		if c != '_' && (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') {
			return "", false, false
		}
	}
	return tag, f.IsExported(), tag != ""
}

// fieldShape returns the shape of a field, nil if it needs the library. Numbers that are many are not a typed array here.
func fieldShape(t reflect.Type) *shape {
	s := plainShape(t)
	numbers := s.kind&many != 0 && s.kind != kindString|many && s.kind != kindBool|many
	if !s.fast || s.kind == kindRaw || s.kind == kindUnit || numbers {
		return nil
	}
	return s
}

func (s *shape) appendStruct(dst []byte, p unsafe.Pointer) []byte {
	for i := range s.fields {
		f := &s.fields[i]
		dst = f.shape.append(append(dst, f.key...), unsafe.Add(p, f.offset))
	}
	return dst
}

func (s *shape) decodeStruct(src []byte, p unsafe.Pointer) (rest []byte, err error) {
	rest = src
	for i := range s.fields {
		f := &s.fields[i]
		if !bytes.HasPrefix(rest, f.key) {
			return nil, errSlow
		}
		rest, err = f.shape.decode(rest[len(f.key):], unsafe.Add(p, f.offset), shareNothing)
		if err != nil {
			return nil, errSlow // the library names the field
		}
	}
	return rest, nil
}
