package codec

import (
	"fmt"
	"reflect"
	"unsafe"

	"github.com/procpool/procpool/internal/item"
)

// Args2 are the arguments of a function of two. As a task's input it is an array of two, so that a worker in any language
// can spread it; inside another value it is the struct that it is.
type Args2[A, B any] struct {
	A A
	B B
}

// Args3 are the arguments of a function of three, see [Args2].
type Args3[A, B, C any] struct {
	A A
	B B
	C C
}

// A part is one argument: where it lies in its list, and its shape.
type part struct {
	offset uintptr
	shape  *shape
}

// parts marks an argument list. It takes its own type, so that a struct that embeds a list, and so inherits the method, is
// not taken for one.
func (*Args2[A, B]) parts(*Args2[A, B]) []part {
	var x Args2[A, B]
	return []part{{0, shapeOf[A]()}, {unsafe.Offsetof(x.B), shapeOf[B]()}}
}

func (*Args3[A, B, C]) parts(*Args3[A, B, C]) []part {
	var x Args3[A, B, C]
	return []part{{0, shapeOf[A]()}, {unsafe.Offsetof(x.B), shapeOf[B]()}, {unsafe.Offsetof(x.C), shapeOf[C]()}}
}

func argsShape(typ reflect.Type, parts []part) *shape {
	s := &shape{typ: typ, kind: kindArgs, fast: true, parts: parts}
	for _, p := range parts {
		if p.shape.kind == kindRaw { // only the library knows where it ends
			p.shape.kind, p.shape.fast = kindLibrary, false
		}
		s.fast = s.fast && p.shape.fast
	}
	return s
}

func (s *shape) appendArgs(dst []byte, p unsafe.Pointer) []byte {
	dst = item.AppendHead(dst, item.Array, uint64(len(s.parts)))
	for _, a := range s.parts {
		dst = a.shape.append(dst, unsafe.Add(p, a.offset))
	}
	return dst
}

func (s *shape) appendArgsSlow(dst []byte, p unsafe.Pointer) ([]byte, error) {
	out := item.AppendHead(dst, item.Array, uint64(len(s.parts)))
	for i, a := range s.parts {
		var err error
		if out, err = a.shape.appendSlow(out, unsafe.Add(p, a.offset)); err != nil {
			return dst, fmt.Errorf("argument %d: %w", i+1, err)
		}
	}
	return out, nil
}

func (s *shape) decodeArgs(src []byte, p unsafe.Pointer, share sharing) (rest []byte, err error) {
	if rest, err = s.argsHead(src); err != nil {
		return nil, err
	}
	for i, a := range s.parts {
		if rest, err = a.shape.decode(rest, unsafe.Add(p, a.offset), share); err != nil {
			return nil, inArgument(i, err)
		}
	}
	return rest, nil
}

func (s *shape) decodeArgsSlow(src []byte, p unsafe.Pointer, share sharing) (rest []byte, err error) {
	if rest, err = s.argsHead(src); err != nil {
		return nil, err
	}
	for i, a := range s.parts {
		if rest, err = a.shape.decodeEither(rest, unsafe.Add(p, a.offset), share); err != nil {
			return nil, inArgument(i, err)
		}
	}
	return rest, nil
}

// decodeEither decodes by the fast path, if there is one and it can, else by the slow one. The value at p must be zero.
func (s *shape) decodeEither(src []byte, p unsafe.Pointer, share sharing) (rest []byte, err error) {
	if s.fast {
		if rest, err = s.decode(src, p, share); err != errSlow {
			return rest, err
		}
		reflect.NewAt(s.typ, p).Elem().SetZero() // a struct may be half read
	}
	return s.decodeSlow(src, p, share)
}

// argsHead is strict: an array of another length was meant for another function.
func (s *shape) argsHead(src []byte) (rest []byte, err error) {
	major, info, arg, n := item.Head(src)
	if major != item.Array || n == 0 || info == item.Indefinite {
		return nil, fmt.Errorf("cannot decode %s into %v: want an array of %d", what(src), s.typ, len(s.parts))
	}
	if arg != uint64(len(s.parts)) {
		return nil, fmt.Errorf("cannot decode %d arguments into %v", arg, s.typ)
	}
	return src[n:], nil
}

func inArgument(i int, err error) error {
	if err == errSlow {
		return err
	}
	return fmt.Errorf("argument %d: %w", i+1, err)
}
