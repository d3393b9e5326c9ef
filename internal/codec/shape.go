package codec

import (
	"reflect"
	"strconv"
)

// A shape is what For finds out about a type.
//
// Its methods take an unsafe.Pointer that points to a value of typ, and read or write it as the basic type of its kind.
// That is sound because a kind is given only to types with that very memory layout: a type of reflect.Kind Int32 is an
// int32 in memory whatever its name, and int is int64 or int32 as strconv.IntSize says; so with slices of them. The
// pointer comes from a *T beside the shape of T in one Codec[T], so the two cannot be mixed up.
type shape struct {
	typ   reflect.Type
	kind  kind
	fast  bool   // neither it nor a part of it needs the library
	deep  bool   // the library's: a value may nest without end
	parts []part // the arguments of a kindArgs

	fields []field // of a kindStruct
}

type kind uint8

const (
	kindLibrary kind = iota
	kindArgs
	kindStruct
	kindRaw
	kindView
	kindBytes
	kindUnit // struct{}
	kindBool
	kindString
	kindInt8
	kindInt16
	kindInt32
	kindInt64
	kindUint8
	kindUint16
	kindUint32
	kindUint64
	kindFloat32
	kindFloat64

	many kind = 1 << 5 // a slice of the kind
)

func shapeOf[T any]() *shape {
	typ := reflect.TypeFor[T]()
	if list, ok := any((*T)(nil)).(interface{ parts(*T) []part }); ok {
		return argsShape(typ, list.parts(nil))
	}
	s := &shape{typ: typ, kind: kindOf(typ)}
	if s.kind == kindLibrary {
		if s.fields = fieldsOf(typ); s.fields != nil {
			s.kind = kindStruct
		}
	}
	s.fast = s.kind != kindLibrary
	s.deep = !s.fast && walkOf(typ).deep
	return s
}

func kindOf(t reflect.Type) kind {
	switch {
	case t == reflect.TypeFor[View]():
		return kindView
	case t == reflect.TypeFor[Raw]():
		return kindRaw
	case hasMethods(t):
		return kindLibrary
	case t.Kind() == reflect.Struct && t.NumField() == 0:
		return kindUnit
	case t.Kind() != reflect.Slice:
		return scalars[t.Kind()]
	case t.Elem().Kind() == reflect.Uint8:
		return kindBytes
	}
	if elem := scalars[t.Elem().Kind()]; elem != kindLibrary && !hasMethods(t.Elem()) {
		return elem | many
	}
	return kindLibrary
}

// scalars leaves out uintptr: an address means nothing in another process.
var scalars = [reflect.UnsafePointer + 1]kind{
	reflect.Bool:    kindBool,
	reflect.String:  kindString,
	reflect.Int:     sized(kindInt32, kindInt64),
	reflect.Int8:    kindInt8,
	reflect.Int16:   kindInt16,
	reflect.Int32:   kindInt32,
	reflect.Int64:   kindInt64,
	reflect.Uint:    sized(kindUint32, kindUint64),
	reflect.Uint8:   kindUint8,
	reflect.Uint16:  kindUint16,
	reflect.Uint32:  kindUint32,
	reflect.Uint64:  kindUint64,
	reflect.Float32: kindFloat32,
	reflect.Float64: kindFloat64,
}

func sized(on32, on64 kind) kind {
	if strconv.IntSize == 32 {
		return on32
	}
	return on64
}
