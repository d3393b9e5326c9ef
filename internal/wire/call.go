package wire

import (
	"encoding/binary"
	"errors"
	"time"
)

// CallInfo is what travels with a call besides its payload.
type CallInfo struct {
	ID       uint64
	Timeout  time.Duration // 0: none
	Deadline int64         // nanoseconds since 1970; 0: none
	Attempt  int           // 1 for the first
	Metadata []byte        // an encoded map of text to text; nil: none
	Spread   bool          // the payload is an array of arguments
}

// AppendCall appends the header and the fields of a call whose payload of size bytes follows.
func AppendCall(b []byte, seq uint64, task uint16, c *CallInfo, size int) []byte {
	at := len(b)
	flags := uint8(0)
	b = append(b, make([]byte, HeaderSize)...)
	b = binary.LittleEndian.AppendUint64(b, c.ID)
	if c.Timeout > 0 {
		flags |= FlagTimeout
		b = binary.LittleEndian.AppendUint64(b, uint64(c.Timeout))
	}
	if c.Deadline != 0 {
		flags |= FlagDeadline
		b = binary.LittleEndian.AppendUint64(b, uint64(c.Deadline))
	}
	if c.Attempt > 1 {
		flags |= FlagAttempt
		b = binary.LittleEndian.AppendUint32(b, uint32(c.Attempt))
	}
	if len(c.Metadata) > 0 {
		flags |= FlagMetadata
		b = binary.LittleEndian.AppendUint32(b, uint32(len(c.Metadata)))
		b = append(b, c.Metadata...)
	}
	if c.Spread {
		flags |= FlagSpread
	}
	AppendHeader(b[:at], Call, flags, task, seq, len(b)-at-HeaderSize+size)
	return b
}

// AppendCallLike appends what AppendCall would, for a call that differs from like, which AppendCall made, in its numbers and
// the size of its payload.
func AppendCallLike(b, like []byte, seq, id uint64, size int) []byte {
	at := len(b)
	b = append(b, like...)
	head := b[at : at+HeaderSize+8]
	binary.LittleEndian.PutUint32(head, uint32(len(like)-HeaderSize+size))
	binary.LittleEndian.PutUint64(head[8:], seq)
	binary.LittleEndian.PutUint64(head[HeaderSize:], id)
	return b
}

var errShortCall = errors.New("call frame is shorter than its fields")

// ParseCall splits the body of a call with the given flags into its fields and its payload, which is a part of body.
func ParseCall(flags uint8, body []byte) (c CallInfo, payload []byte, err error) {
	payload, err = c.Parse(flags, body)
	return c, payload, err
}

// Parse is ParseCall in place.
func (c *CallInfo) Parse(flags uint8, body []byte) (payload []byte, err error) {
	*c = CallInfo{Attempt: 1}
	if flags&^FlagSpread == 0 && len(body) >= 8 { // most calls
		c.ID, c.Spread = binary.LittleEndian.Uint64(body), flags != 0
		return body[8:], nil
	}
	take := func(n int) []byte {
		if err != nil || len(body) < n {
			err = errShortCall
			return nil
		}
		f := body[:n]
		body = body[n:]
		return f
	}
	if f := take(8); f != nil {
		c.ID = binary.LittleEndian.Uint64(f)
	}
	if flags&FlagTimeout != 0 {
		if f := take(8); f != nil {
			c.Timeout = time.Duration(binary.LittleEndian.Uint64(f))
		}
	}
	if flags&FlagDeadline != 0 {
		if f := take(8); f != nil {
			c.Deadline = int64(binary.LittleEndian.Uint64(f))
		}
	}
	if flags&FlagAttempt != 0 {
		if f := take(4); f != nil {
			c.Attempt = int(binary.LittleEndian.Uint32(f))
		}
	}
	if flags&FlagMetadata != 0 {
		if f := take(4); f != nil {
			c.Metadata = take(int(binary.LittleEndian.Uint32(f)))
		}
	}
	c.Spread = flags&FlagSpread != 0
	return body, err
}
