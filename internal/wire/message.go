package wire

import (
	"fmt"

	"github.com/fxamacker/cbor/v2"
)

// MessageSetup is the body of a setup frame.
type MessageSetup struct {
	Version     int             `cbor:"version"`
	Name        string          `cbor:"name"`                  // the worker's name, for CurrentWorker and logs
	Initializer string          `cbor:"initializer,omitempty"` // run this before ready
	Fingerprint string          `cbor:"fingerprint,omitempty"` // the worker refuses if its own differs; empty: any
	Limit       int             `cbor:"limit,omitempty"`       // it may leave by itself once it has answered so many tasks that it started; 0: none
	Arg         cbor.RawMessage `cbor:"arg,omitempty"`         // of the initializer; the last, as byHand wants it
}

// MessageHello is the body of a hello frame.
type MessageHello struct {
	Version      int      `cbor:"version"`
	Language     string   `cbor:"language"`               // "go", "python", ...
	Tasks        []string `cbor:"tasks"`                  // a call's task number is an index into this
	Initializers []string `cbor:"initializers,omitempty"` //
	Fingerprint  string   `cbor:"fingerprint,omitempty"`  // of the program and its task names
	Codecs       []string `cbor:"codecs,omitempty"`       // "cbor" (the default), "json"
	Window       int      `cbor:"window,omitempty"`       // most calls it wants to hold at a time; 0: 1
	Dumps        bool     `cbor:"dumps,omitempty"`        // it answers dump
	Fenced       bool     `cbor:"fenced,omitempty"`       // a full memory barrier stands between its store to claim and its load of revoked
}

// Kinds of a MessageError.
const (
	KindError    = "error"    // the function returned it
	KindPanic    = "panic"    // the function panicked
	KindArgument = "argument" // the argument could not be decoded
	KindResult   = "result"   // the result could not be encoded
	KindUnknown  = "unknown"  // there is no such task or initializer
)

// MessageError is the body of an error and of a failed frame.
type MessageError struct {
	Kind      string   `cbor:"kind"`
	Type      string   `cbor:"type"` // in the worker's language
	Message   string   `cbor:"message"`
	Stack     string   `cbor:"stack,omitempty"`
	Sentinels []string `cbor:"sentinels,omitempty"` // registered errors that it matches
}

var (
	encMode = must(cbor.EncOptions{}.EncMode())
	decMode = must(cbor.DecOptions{UTF8: cbor.UTF8DecodeInvalid, MaxArrayElements: 1 << 20, MaxMapPairs: 1 << 16, MaxNestedLevels: 32}.DecMode())
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// Marshal encodes a message or a metadata map.
func Marshal(v any) []byte {
	if m, ok := v.(*MessageHello); ok {
		if b := m.byHand(); b != nil {
			return b
		}
	}
	return must(encMode.Marshal(v))
}

// Unmarshal decodes the body of a frame of type t into v.
func Unmarshal(t Type, body []byte, v any) error {
	if m, ok := v.(*MessageSetup); ok && m.byHand(body) {
		return nil
	}
	if err := decMode.Unmarshal(body, v); err != nil {
		return fmt.Errorf("body of a frame of type %d: %w", t, err)
	}
	return nil
}
