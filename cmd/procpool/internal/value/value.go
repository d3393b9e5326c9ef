// Package value turns what people write and read, lines and JSON, into what workers take and give, CBOR, and back.
package value

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"

	"github.com/procpool/procpool/internal/codec"
)

var (
	texts = codec.For[string]()
	trees = codec.For[any]()
)

// FromText encodes a line.
func FromText(text string) codec.Raw {
	b, _ := texts.Append(nil, &text) // a string can always be encoded
	return b
}

// FromJSON encodes a JSON value. Whole numbers stay whole, whatever their size.
func FromJSON(text string) (codec.Raw, error) {
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		if errors.Is(err, io.ErrUnexpectedEOF) {
			err = errors.New("unexpected end")
		}
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("more than one value")
	}
	v, err := numbers(v)
	if err != nil {
		return nil, err
	}
	return trees.Append(nil, &v)
}

// numbers replaces the texts of numbers by numbers.
func numbers(v any) (any, error) {
	var err error
	switch v := v.(type) {
	case json.Number:
		return number(v)
	case []any:
		for i := range v {
			if v[i], err = numbers(v[i]); err != nil {
				return nil, err
			}
		}
	case map[string]any:
		for k := range v {
			if v[k], err = numbers(v[k]); err != nil {
				return nil, err
			}
		}
	}
	return v, nil
}

func number(n json.Number) (any, error) {
	if i, err := n.Int64(); err == nil {
		return i, nil
	}
	if i, ok := new(big.Int).SetString(n.String(), 10); ok {
		return i, nil
	}
	f, err := n.Float64()
	if err != nil {
		return nil, fmt.Errorf("%s is too large for a number", n)
	}
	return f, nil
}

// AppendText appends a result as a line shows it: a string as it is, anything else as JSON on one line.
func AppendText(dst []byte, r codec.Raw) ([]byte, error) {
	if len(r) > 0 && r[0]>>5 == majorText {
		var s string
		if err := texts.Decode(r, &s); err != nil {
			return dst, err
		}
		return append(dst, s...), nil
	}
	return AppendJSON(dst, r)
}

const majorText = 3

// AppendJSON appends a result as JSON on one line.
func AppendJSON(dst []byte, r codec.Raw) ([]byte, error) {
	out, err := codec.AppendJSON(dst, r)
	if err == nil {
		return out, nil
	}
	if out, ok := appendOther(dst, r); ok {
		return out, nil
	}
	return dst, fmt.Errorf("the result %w", err)
}

// appendOther is for what other languages' encoders may write and ours do not, such as lists of indefinite length.
func appendOther(dst []byte, r codec.Raw) ([]byte, bool) {
	var v any
	if err := trees.Decode(r, &v); err != nil {
		return dst, false
	}
	plain, err := trees.Append(nil, &v)
	if err != nil {
		return dst, false
	}
	out, err := codec.AppendJSON(dst, plain)
	return out, err == nil
}
