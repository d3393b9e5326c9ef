package codec

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/big"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
	"unsafe"

	"github.com/fxamacker/cbor/v2"
	"github.com/procpool/procpool/internal/item"
)

// A worker's JSON stays JSON until the type is known that it is to become, as a text may stand for bytes or a time. Until
// then it travels as CBOR does: under the tag for embedded JSON.
const tagJSON = 262

var jsonHead = item.AppendHead(nil, item.Tag, tagJSON)

// FromJSON wraps JSON, so that it can be decoded like an encoded value.
func FromJSON(text []byte) []byte {
	b := make([]byte, 0, len(jsonHead)+9+len(text))
	return append(item.AppendHead(append(b, jsonHead...), item.Bytes, uint64(len(text))), text...)
}

func isJSON(src []byte) bool { return bytes.HasPrefix(src, jsonHead) }

// jsonDecoder decodes what readJSON made of JSON with its texts as byte strings. What they mean, the type tells.
var jsonDecoder = must(cbor.DecOptions{
	MaxNestedLevels:          maxDepth + 100,
	IntDec:                   cbor.IntDecConvertSignedOrBigInt,
	BigIntDec:                cbor.BigIntDecodePointer,
	DefaultMapType:           reflect.TypeFor[map[string]any](),
	UTF8:                     cbor.UTF8DecodeInvalid,
	DefaultByteStringType:    reflect.TypeFor[string](),
	ByteStringToString:       cbor.ByteStringToStringAllowed,
	ByteStringToTime:         cbor.ByteStringToTimeAllowed,
	ByteStringExpectedFormat: cbor.ByteStringExpectedBase64,
	BinaryUnmarshaler:        cbor.BinaryUnmarshalerNone,
	TextUnmarshaler:          cbor.TextUnmarshalerTextString,
	MaxArrayElements:         1<<31 - 1,
	MaxMapPairs:              1<<31 - 1,
}.DecMode())

// decodeJSON decodes what FromJSON has wrapped, all of src, into the value at p.
func (s *shape) decodeJSON(src []byte, p unsafe.Pointer) error {
	major := byte(item.Bytes)
	if s.kind == kindRaw {
		major = item.Text
	}
	item, err := readJSON(src[len(jsonHead):], major)
	switch {
	case err != nil:
	case s.kind == kindRaw:
		*(*Raw)(p) = item
	default:
		err = unmarshalJSON(item, reflect.NewAt(s.typ, p).Interface())
	}
	if err != nil {
		return fmt.Errorf("cannot decode JSON into %v: %w", s.typ, err)
	}
	return nil
}

func unmarshalJSON(item []byte, v any) (err error) {
	defer recovered(&err)
	err = jsonDecoder.Unmarshal(item, v)
	var wrong *cbor.UnmarshalTypeError
	if errors.As(err, &wrong) {
		wrong.CBORType = strings.ReplaceAll(wrong.CBORType, "byte string", "text")
	}
	return err
}

// jsonReader turns JSON into CBOR. Its texts become items of major type text, keys are always texts.
type jsonReader struct {
	src  []byte
	at   int
	text byte
}

var errJSON = errors.New("it is no JSON")

func readJSON(src []byte, text byte) ([]byte, error) {
	src, rest, err := readString(src, item.Bytes)
	if err != nil || len(rest) > 0 {
		return nil, errJSON
	}
	r := &jsonReader{src: src, text: text}
	out, err := r.value(nil, maxDepth)
	if err == nil && r.at < len(src) && r.peek() != 0 {
		err = errJSON
	}
	if err != nil {
		return nil, fmt.Errorf("%w, at byte %d", err, r.at)
	}
	return out, nil
}

// peek returns the next byte that is no space; 0 at the end, where else only nonsense has it.
func (r *jsonReader) peek() byte {
	for ; r.at < len(r.src); r.at++ {
		if c := r.src[r.at]; c != ' ' && c != '\t' && c != '\n' && c != '\r' {
			return c
		}
	}
	return 0
}

// skip skips c, if that is next.
func (r *jsonReader) skip(c byte) bool {
	if r.peek() != c {
		return false
	}
	r.at++
	return true
}

func (r *jsonReader) value(dst []byte, room int) ([]byte, error) {
	if room == 0 {
		return nil, fmt.Errorf("it is nested deeper than %d", maxDepth)
	}
	switch c := r.peek(); {
	case c == '"':
		return r.string(dst, r.text)
	case c == '[':
		return r.list(dst, item.Array, ']', func(dst []byte) ([]byte, error) { return r.value(dst, room-1) })
	case c == '{':
		return r.list(dst, item.Map, '}', func(dst []byte) ([]byte, error) { return r.pair(dst, room-1) })
	case c == '-' || '0' <= c && c <= '9':
		return r.number(dst)
	}
	for word, item := range map[string]byte{"null": item.Null, "true": item.True, "false": item.False} {
		if bytes.HasPrefix(r.src[r.at:], []byte(word)) {
			r.at += len(word)
			return append(dst, item), nil
		}
	}
	return nil, errJSON
}

// list appends elements until end. Their number is known last, so its place is as wide as it may become.
func (r *jsonReader) list(dst []byte, major, end byte, element func([]byte) ([]byte, error)) (_ []byte, err error) {
	r.at++
	at, n := len(dst), uint64(0)
	dst = append(dst, major<<5|27, 0, 0, 0, 0, 0, 0, 0, 0)
	for first := true; !r.skip(end); first = false {
		if !first && !r.skip(',') {
			return nil, errJSON
		}
		if dst, err = element(dst); err != nil {
			return nil, err
		}
		n++
	}
	binary.BigEndian.PutUint64(dst[at+1:], n)
	return dst, nil
}

func (r *jsonReader) pair(dst []byte, room int) (_ []byte, err error) {
	if r.peek() != '"' {
		return nil, errJSON
	}
	if dst, err = r.string(dst, item.Text); err != nil {
		return nil, err
	}
	if !r.skip(':') {
		return nil, errJSON
	}
	return r.value(dst, room)
}

func (r *jsonReader) number(dst []byte) ([]byte, error) {
	from := r.at
	for r.at < len(r.src) && strings.IndexByte("+-.eE0123456789", r.src[r.at]) >= 0 {
		r.at++
	}
	text := string(r.src[from:r.at])
	if i, err := strconv.ParseInt(text, 10, 64); err == nil && (i != 0 || text[0] != '-') { // no integer is -0
		return appendInt(dst, i), nil
	}
	if i, ok := new(big.Int).SetString(text, 10); ok && i.Sign() != 0 {
		return appendBig(dst, i), nil
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return nil, fmt.Errorf("%q is no number that can be kept", text)
	}
	return appendFloat64(dst, f), nil
}

func appendBig(dst []byte, i *big.Int) []byte {
	major, tag := byte(item.Uint), uint64(2)
	if i.Sign() < 0 {
		major, tag = item.Neg, 3
		i.Not(i)
	}
	if i.IsUint64() {
		return item.AppendHead(dst, major, i.Uint64())
	}
	return appendBytes(item.AppendHead(dst, item.Tag, tag), i.Bytes())
}

// string appends the text that is next as an item of a major type.
func (r *jsonReader) string(dst []byte, major byte) ([]byte, error) {
	r.at++
	end := bytes.IndexAny(r.src[r.at:], `"\`)
	if end >= 0 && r.src[r.at+end] == '"' {
		text := r.src[r.at : r.at+end]
		r.at += end + 1
		return append(item.AppendHead(dst, major, uint64(len(text))), text...), nil
	}
	text, err := r.unescaped()
	if err != nil {
		return nil, err
	}
	return append(item.AppendHead(dst, major, uint64(len(text))), text...), nil
}

func (r *jsonReader) unescaped() (text []byte, err error) {
	for r.at < len(r.src) {
		c := r.src[r.at]
		r.at++
		switch c {
		case '"':
			return text, nil
		case '\\':
			if text, err = r.escape(text); err != nil {
				return nil, err
			}
		default:
			text = append(text, c)
		}
	}
	return nil, errJSON
}

func (r *jsonReader) escape(text []byte) ([]byte, error) {
	if r.at == len(r.src) {
		return nil, errJSON
	}
	c := r.src[r.at]
	r.at++
	if c == 'u' {
		first, err := r.hex()
		if err != nil || !utf16.IsSurrogate(first) || !bytes.HasPrefix(r.src[r.at:], []byte(`\u`)) {
			return utf8.AppendRune(text, first), err
		}
		r.at += 2
		second, err := r.hex()
		return utf8.AppendRune(text, utf16.DecodeRune(first, second)), err
	}
	i := strings.IndexByte(`"\/bfnrt`, c)
	if i < 0 {
		return nil, errJSON
	}
	return append(text, "\"\\/\b\f\n\r\t"[i]), nil
}

func (r *jsonReader) hex() (rune, error) {
	if len(r.src)-r.at < 4 {
		return 0, errJSON
	}
	n, err := strconv.ParseUint(string(r.src[r.at:r.at+4]), 16, 16)
	r.at += 4
	return rune(n), err
}
