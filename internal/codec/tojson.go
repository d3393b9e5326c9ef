package codec

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/procpool/procpool/internal/item"
)

// JSON is for workers that have no CBOR. It is written here because encoding/json would cost every worker's start. See
// docs/protocol.md for what stands for what.

var errMalformed = errors.New("it is no well-formed CBOR")

// AppendJSON appends the one item that src is, of definite length, as JSON. On error it returns dst.
func AppendJSON(dst, src []byte) ([]byte, error) {
	out, rest, err := appendJSON(dst, src, maxDepth)
	if err == nil && len(rest) > 0 {
		err = errMalformed
	}
	if err != nil {
		return dst, fmt.Errorf("has no form in JSON: %w", err)
	}
	return out, nil
}

func appendJSON(dst, src []byte, room int) (out, rest []byte, err error) {
	major, info, arg, n := item.Head(src)
	if n == 0 || info == item.Indefinite || room == 0 {
		return nil, nil, errMalformed
	}
	rest = src[n:]
	switch major {
	case item.Uint:
		return strconv.AppendUint(dst, arg, 10), rest, nil
	case item.Neg:
		n := new(big.Int).SetUint64(arg)
		return n.Not(n).Append(dst, 10), rest, nil
	case item.Bytes, item.Text:
		return appendJSONString(dst, src, major)
	case item.Array:
		return appendJSONArray(dst, rest, arg, room)
	case item.Map:
		return appendJSONObject(dst, rest, arg, room)
	case item.Tag:
		return appendJSONTagged(dst, rest, arg, room)
	}
	return appendJSONSimple(dst, src, rest, info)
}

func appendJSONString(dst, src []byte, major byte) (out, rest []byte, err error) {
	b, rest, err := readString(src, major)
	if err != nil {
		return nil, nil, errMalformed
	}
	if major == item.Text {
		return appendQuoted(dst, b), rest, nil
	}
	return append(base64.StdEncoding.AppendEncode(append(dst, '"'), b), '"'), rest, nil
}

func appendJSONArray(dst, src []byte, n uint64, room int) (out, rest []byte, err error) {
	dst = append(dst, '[')
	for i := range n {
		if i > 0 {
			dst = append(dst, ',')
		}
		if dst, src, err = appendJSON(dst, src, room-1); err != nil {
			return nil, nil, err
		}
	}
	return append(dst, ']'), src, nil
}

// member is where a member of an object stands: its key from start, its value until end.
type member struct{ start, colon, end int }

// appendJSONObject appends an object. Its keys are sorted: Go's maps have no order, and the same value should read the same.
func appendJSONObject(dst, src []byte, n uint64, room int) (out, rest []byte, err error) {
	var few [16]member
	members := few[:0]
	dst = append(dst, '{')
	for i := range n {
		if i > 0 {
			dst = append(dst, ',')
		}
		m := member{start: len(dst)}
		if dst, src, err = appendJSONKey(dst, src); err != nil {
			return nil, nil, err
		}
		m.colon = len(dst)
		if dst, src, err = appendJSON(append(dst, ':'), src, room-1); err != nil {
			return nil, nil, err
		}
		m.end = len(dst)
		members = append(members, m)
	}
	sortMembers(dst, members)
	return append(dst, '}'), src, nil
}

func sortMembers(text []byte, members []member) {
	byKey := func(a, b member) int { return bytes.Compare(text[a.start:a.colon], text[b.start:b.colon]) }
	if slices.IsSortedFunc(members, byKey) {
		return
	}
	first := members[0].start
	slices.SortStableFunc(members, byKey)
	sorted := make([]byte, 0, len(text)-first)
	for i, m := range members {
		if i > 0 {
			sorted = append(sorted, ',')
		}
		sorted = append(sorted, text[m.start:m.end]...)
	}
	copy(text[first:], sorted)
}

// appendJSONKey appends a key: a text, or the text of a number, a bool or null.
func appendJSONKey(dst, src []byte) (out, rest []byte, err error) {
	major, _, _, _ := item.Head(src)
	switch major {
	case item.Text:
		return appendJSON(dst, src, 1)
	case item.Uint, item.Neg, item.Simple:
		if dst, rest, err = appendJSON(append(dst, '"'), src, 1); err != nil {
			return nil, nil, err
		}
		return append(dst, '"'), rest, nil
	}
	return nil, nil, fmt.Errorf("the key of a map is of type %s, which JSON does not have", what(src))
}

func appendJSONTagged(dst, src []byte, tag uint64, room int) (out, rest []byte, err error) {
	if tag != 2 && tag != 3 && (tag < typedFirst || tag > typedLast || tag == typedNone) {
		return appendJSON(dst, src, room-1)
	}
	b, rest, err := readString(src, item.Bytes)
	if err != nil {
		return nil, nil, errMalformed
	}
	if tag >= typedFirst {
		return appendJSONNumbers(dst, b, rest, tag)
	}
	n := new(big.Int).SetBytes(b)
	if tag == 3 {
		n.Not(n)
	}
	return n.Append(dst, 10), rest, nil
}

func appendJSONNumbers(dst, b, rest []byte, tag uint64) (out, _ []byte, err error) {
	size := typedSize(tag)
	if len(b)%size != 0 || size > 8 {
		return nil, nil, errMalformed
	}
	dst = append(dst, '[')
	var buf [9]byte
	for i := 0; i < len(b); i += size {
		if i > 0 {
			dst = append(dst, ',')
		}
		if dst, _, err = appendJSON(dst, appendTypedItem(buf[:0], tag, b[i:i+size]), 1); err != nil {
			return nil, nil, err
		}
	}
	return append(dst, ']'), rest, nil
}

func appendJSONSimple(dst, src, rest []byte, info byte) (out, _ []byte, err error) {
	switch {
	case src[0] == item.False:
		return append(dst, "false"...), rest, nil
	case src[0] == item.True:
		return append(dst, "true"...), rest, nil
	case item.IsNull(src):
		return append(dst, "null"...), rest, nil
	case info < 25:
		return nil, nil, errMalformed
	}
	f, _, _ := readFloat[float64](src)
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return nil, nil, fmt.Errorf("JSON has no number %v", f)
	}
	bits := 64
	if info == 26 {
		bits = 32
	}
	return strconv.AppendFloat(dst, f, floatFormat(f), -1, bits), rest, nil
}

// floatFormat chooses as JavaScript and encoding/json do: an exponent only for what would be a long row of zeros.
func floatFormat(f float64) byte {
	if f = math.Abs(f); f != 0 && (f < 1e-6 || f >= 1e21) {
		return 'e'
	}
	return 'f'
}

// appendQuoted appends a text between quotes. What is not UTF-8 becomes U+FFFD, as JSON has nothing else for it.
func appendQuoted(dst, text []byte) []byte {
	dst = append(dst, '"')
	for len(text) > 0 {
		r, n := utf8.DecodeRune(text)
		switch {
		case r == '"' || r == '\\':
			dst = append(dst, '\\', byte(r))
		case r < ' ':
			dst = append(dst, '\\', 'u', '0', '0', '0'+byte(r>>4), "0123456789abcdef"[r&15])
		default:
			dst = utf8.AppendRune(dst, r)
		}
		text = text[n:]
	}
	return append(dst, '"')
}
