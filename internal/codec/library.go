package codec

import (
	"bytes"
	"encoding"
	"errors"
	"fmt"
	"math"
	"reflect"
	"sync"
	"unsafe"

	"github.com/fxamacker/cbor/v2"
)

// maxDepth is how deep a value may nest: enough for any tree, and less than a stack holds in any language.
const maxDepth = 1000

var encoder = must(cbor.EncOptions{
	Sort:          cbor.SortNone,
	NaNConvert:    cbor.NaNConvertNone, // as the fast paths: a float keeps its bits
	InfConvert:    cbor.InfConvertNone,
	Time:          cbor.TimeRFC3339Nano,
	TimeTag:       cbor.EncTagRequired,
	ByteArray:     cbor.ByteArrayToByteSlice,
	TextMarshaler: cbor.TextMarshalerTextString, // else types that have nothing else would silently become {}
}.UserBufferEncMode())

var decoder = must(cbor.DecOptions{
	TimeTag:          cbor.DecTagRequired,
	MaxNestedLevels:  maxDepth + 100, // what ends by its type is not counted when encoding, and may stand at the bottom
	MaxArrayElements: math.MaxInt32,  // the payload is the limit, and elements are counted before anything is allocated
	MaxMapPairs:      math.MaxInt32,
	IntDec:           cbor.IntDecConvertSignedOrBigInt,
	BigIntDec:        cbor.BigIntDecodePointer,
	DefaultMapType:   reflect.TypeFor[map[string]any](),
	UTF8:             cbor.UTF8DecodeInvalid, // Go strings may hold any bytes and come back as they were
	TextUnmarshaler:  cbor.TextUnmarshalerTextString,
}.DecMode())

func must[M any](mode M, err error) M {
	if err != nil {
		panic(err)
	}
	return mode
}

// hasMethods reports whether t decides itself how it is encoded or decoded, in a way the library knows.
func hasMethods(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	return encodesItself(t) ||
		p.Implements(reflect.TypeFor[cbor.Unmarshaler]()) ||
		p.Implements(reflect.TypeFor[encoding.BinaryUnmarshaler]()) ||
		p.Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}

func encodesItself(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	return p.Implements(reflect.TypeFor[cbor.Marshaler]()) ||
		p.Implements(reflect.TypeFor[encoding.BinaryMarshaler]()) ||
		p.Implements(reflect.TypeFor[encoding.TextMarshaler]())
}

// appendSlow is append for every shape. On error it returns dst.
func (s *shape) appendSlow(dst []byte, p unsafe.Pointer) ([]byte, error) {
	switch {
	case s.fast:
		return s.append(dst, p), nil
	case s.kind == kindArgs:
		return s.appendArgsSlow(dst, p)
	}
	out, err := s.marshal(dst, reflect.NewAt(s.typ, p))
	if err != nil {
		return dst, fmt.Errorf("cannot encode %v: %w", s.typ, wordsFor(err, s.typ))
	}
	return out, nil
}

// decodeSlow is decode for every shape, and has the last word: it never returns errSlow. The value at p must be zero.
func (s *shape) decodeSlow(src []byte, p unsafe.Pointer, share sharing) (rest []byte, err error) {
	if isJSON(src) {
		return nil, s.decodeJSON(src, p)
	}
	if s.kind == kindArgs {
		return s.decodeArgsSlow(src, p, share)
	}
	if s.fast {
		if rest, err = s.decode(src, p, share); err != errSlow {
			return rest, err
		}
		reflect.NewAt(s.typ, p).Elem().SetZero() // a struct may be half read
	}
	if rest, err = unmarshal(src, reflect.NewAt(s.typ, p).Interface()); err != nil {
		return nil, fmt.Errorf("cannot decode %v: %w", s.typ, err)
	}
	return rest, nil
}

var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// marshal lets the library append *v to dst, which it does through a buffer over dst.
func (s *shape) marshal(dst []byte, v reflect.Value) (out []byte, err error) {
	defer recovered(&err)
	if s.deep && tooDeep(v, maxDepth) {
		return nil, fmt.Errorf("it is cyclic or nested deeper than %d", maxDepth)
	}
	b := buffers.Get().(*bytes.Buffer)
	*b = *bytes.NewBuffer(dst)
	err = encoder.MarshalToBuffer(v.Interface(), b)
	out = b.Bytes()
	*b = bytes.Buffer{}
	buffers.Put(b)
	return out, err
}

func unmarshal(src []byte, v any) (rest []byte, err error) {
	defer recovered(&err)
	return decoder.UnmarshalFirst(src, v)
}

// recovered turns the panic of a user's method into an error.
func recovered(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("panic: %v", r)
	}
}

// wordsFor tells where in t the type is that the library cannot encode. In an interface, only the library knows.
func wordsFor(err error, t reflect.Type) error {
	var e *cbor.UnsupportedTypeError
	if !errors.As(err, &e) {
		return err
	}
	path, bad := unsupported(t, map[reflect.Type]bool{})
	if bad == nil {
		t = e.Type
		path, bad = unsupported(t, map[reflect.Type]bool{})
	}
	if path == "" {
		return fmt.Errorf("a %v cannot be encoded", bad)
	}
	return fmt.Errorf("%v%s is a %v, which cannot be encoded", t, path, bad)
}
