package codec

import (
	"reflect"
	"strings"
	"sync"
)

// The library follows pointers, so a value that holds itself would overflow the stack, and nobody can recover from that.
// Values of types that allow it are therefore walked first, and refused when they are deeper than the decoder would go.

// A walk is how to look for depth in values of one type.
type walk struct {
	deep   bool  // a value may nest without end
	fields []int // of a struct: those that are encoded
}

var walks sync.Map // reflect.Type to *walk

func walkOf(t reflect.Type) *walk {
	if w, ok := walks.Load(t); ok {
		return w.(*walk)
	}
	w := &walk{deep: endless(t, map[reflect.Type]bool{}), fields: encodedFields(t)}
	walks.Store(t, w)
	return w
}

// tooDeep reports whether v nests deeper than room.
func tooDeep(v reflect.Value, room int) bool {
	for hops := 0; v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface; hops++ {
		if hops > maxDepth { // pointers that lead to nothing but each other
			return true
		}
		v = v.Elem()
	}
	switch v.Kind() {
	case reflect.Struct, reflect.Map, reflect.Slice, reflect.Array:
		w := walkOf(v.Type())
		return w.deep && (room == 0 || anyInside(v, w, func(v reflect.Value) bool { return tooDeep(v, room-1) }))
	}
	return false
}

// anyInside reports whether one of the values directly inside v is as asked.
func anyInside(v reflect.Value, w *walk, is func(reflect.Value) bool) bool {
	switch v.Kind() {
	case reflect.Struct:
		for _, i := range w.fields {
			if is(v.Field(i)) {
				return true
			}
		}
	case reflect.Map:
		for it := v.MapRange(); it.Next(); {
			if is(it.Key()) || is(it.Value()) {
				return true
			}
		}
	default:
		for i := range v.Len() {
			if is(v.Index(i)) {
				return true
			}
		}
	}
	return false
}

// endless reports whether values of type t can hold values of type t, or anything at all. In seen, true marks the types
// around t, false those found to end.
func endless(t reflect.Type, seen map[reflect.Type]bool) bool {
	if t.Kind() == reflect.Interface {
		return true
	}
	if around, ok := seen[t]; ok || encodesItself(t) {
		return around
	}
	seen[t] = true
	for _, in := range inside(t) {
		if endless(in.typ, seen) {
			return true
		}
	}
	seen[t] = false
	return false
}

// A place is a type within another, and how one gets there.
type place struct {
	path string
	typ  reflect.Type
}

// inside returns the types directly within t, as far as they are encoded.
func inside(t reflect.Type) (list []place) {
	switch t.Kind() {
	case reflect.Pointer:
		return []place{{"", t.Elem()}}
	case reflect.Slice, reflect.Array:
		return []place{{"[]", t.Elem()}}
	case reflect.Map:
		return []place{{"[key]", t.Key()}, {"[]", t.Elem()}}
	}
	for _, i := range encodedFields(t) {
		list = append(list, place{"." + t.Field(i).Name, t.Field(i).Type})
	}
	return list
}

// encodedFields returns the fields of a struct that the library encodes: exported or embedded, and not tagged "-".
func encodedFields(t reflect.Type) (list []int) {
	if t.Kind() != reflect.Struct {
		return nil
	}
	for i := range t.NumField() {
		f := t.Field(i)
		tag, ok := f.Tag.Lookup("cbor")
		if !ok {
			tag = f.Tag.Get("json")
		}
		if (f.IsExported() || f.Anonymous) && strings.TrimSpace(tag) != "-" {
			list = append(list, i)
		}
	}
	return list
}

// unsupported finds a type within t that has no encoding, and the way to it.
func unsupported(t reflect.Type, seen map[reflect.Type]bool) (path string, bad reflect.Type) {
	switch t.Kind() {
	case reflect.Chan, reflect.Func, reflect.Complex64, reflect.Complex128, reflect.Uintptr, reflect.UnsafePointer:
		return "", t
	}
	if seen[t] || encodesItself(t) {
		return "", nil
	}
	seen[t] = true
	for _, in := range inside(t) {
		if path, bad = unsupported(in.typ, seen); bad != nil {
			return in.path + path, bad
		}
	}
	return "", nil
}
