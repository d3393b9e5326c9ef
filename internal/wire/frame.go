// Package wire is the protocol between a pool and its workers, in bytes. It is pure: no clock, goroutine, file or system
// call. docs/protocol.md is the contract, this package follows it.
package wire

import (
	"encoding/binary"
	"fmt"
)

// Version is the protocol's version, told in hello.
const Version = 1

// HeaderSize is the length of every frame's header:
//
//	0  uint32  size of the body that follows
//	4  uint8   type
//	5  uint8   flags
//	6  uint16  task: the number of the task in the worker's hello (call), else 0
//	8  uint64  seq: the number of the call in this worker, from 1
//
// All numbers are little-endian.
const HeaderSize = 16

// MaxBody is the largest body of a frame: a payload of 1 GiB and what stands before it.
const MaxBody = MaxPayload + 1<<20

// MaxPayload is the largest encoded argument or result. More is an encode error on the side that sends.
const MaxPayload = 1<<30 + 1<<16

// MaxControl is the largest body of a frame that is neither a call nor a result; a larger one is a protocol error.
const MaxControl = 1 << 24

// Type tells what a frame is.
type Type uint8

// The frames. Types 64 to 127 are free for private use and, like all unknown ones, are ignored.
const (
	Setup  Type = 1 // pool to worker, first: who it is and how to start (a Setup in CBOR)
	Call   Type = 2 // pool to worker: run a task
	Cancel Type = 3 // pool to worker: end the context of call seq
	Stop   Type = 4 // pool to worker: leave once the calls before it are answered
	Dump   Type = 5 // pool to worker: say what you are doing in call seq; only to those whose hello says that they can

	Hello    Type = 16 // worker to pool, first: what it is and which tasks it has (a Hello in CBOR)
	Ready    Type = 17 // worker to pool: initialized
	Failed   Type = 18 // worker to pool: the initializer failed (an Error in CBOR)
	Result   Type = 19 // worker to pool: the call's result
	Error    Type = 20 // worker to pool: the call's error (an Error in CBOR)
	Returned Type = 21 // worker to pool: the call was taken back before it started
	Dumped   Type = 22 // worker to pool: what it does in call seq, as text; the answer to dump
	Leaving  Type = 23 // worker to pool: its answer to call seq, which runs, will ask for it to be replaced

	Grease Type = 0x5a // sent by the pool now and then, so that no worker hard-codes the list
)

// Flags of a call: which optional fields stand before its payload, in this order, after the uint64 id.
const (
	FlagTimeout  = 1 << iota // uint64: nanoseconds the call may run, from its start
	FlagDeadline             // int64: when its context ends, in nanoseconds since 1970
	FlagAttempt              // uint32: which attempt this is, when not the first
	FlagMetadata             // uint32 length, then a CBOR map of text to text
	FlagSpread               // no field: the payload is an array of the function's arguments
)

// FlagRetire on a result, an error or a returned call: the worker asks to be replaced.
const FlagRetire = 1

// Header is the fixed part of a frame.
type Header struct {
	Size  int
	Type  Type
	Flags uint8
	Task  uint16
	Seq   uint64
}

// Append appends the header's bytes to b.
func (h Header) Append(b []byte) []byte {
	return AppendHeader(b, h.Type, h.Flags, h.Task, h.Seq, h.Size)
}

// AppendHeader appends the bytes of a header with these fields, which need not be put together for it: see [Header.parse].
func AppendHeader(b []byte, t Type, flags uint8, task uint16, seq uint64, size int) []byte {
	b = binary.LittleEndian.AppendUint64(b, uint64(uint32(size))|uint64(t)<<32|uint64(flags)<<40|uint64(task)<<48)
	return binary.LittleEndian.AppendUint64(b, seq)
}

// ParseHeader reads a header from the start of b, which holds at least HeaderSize bytes, and checks its size against the
// limit of its type.
func ParseHeader(b []byte) (h Header, err error) {
	err = h.parse(b)
	return h, err
}

// parse is ParseHeader in place. It sets field by field: a header that is copied right after its small fields were stored
// costs a processor more than all the rest.
func (h *Header) parse(b []byte) error {
	_ = b[HeaderSize-1]
	h.Size = int(binary.LittleEndian.Uint32(b))
	h.Type = Type(b[4])
	h.Flags = b[5]
	h.Task = binary.LittleEndian.Uint16(b[6:])
	h.Seq = binary.LittleEndian.Uint64(b[8:])
	if h.Size > MaxControl && h.Size > h.limit() {
		return fmt.Errorf("frame of type %d claims a body of %d bytes, more than the %d it may have", h.Type, h.Size, h.limit())
	}
	return nil
}

func (h Header) limit() int {
	if h.Type == Call || h.Type == Result {
		return MaxBody
	}
	return MaxControl
}

// AppendFrame appends a whole frame to b.
func AppendFrame(b []byte, h Header, body []byte) []byte {
	h.Size = len(body)
	return append(h.Append(b), body...)
}
