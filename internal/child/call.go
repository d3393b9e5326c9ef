package child

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/procpool/procpool/internal/wire"
)

// ErrArgument and ErrResult are wrapped around errors of the codec, so that they are told from the function's own.
var (
	ErrArgument = errors.New("argument")
	ErrResult   = errors.New("result")
)

// call runs one call and replies. The reply is published when it returns.
func (s *server) call(h *wire.Frame) error {
	if s.over.Load() {
		return io.EOF
	}
	if s.retire.Load() || !s.Board.Claim(h.Seq) { // a worker that asked to be replaced runs nothing more
		return s.reply(wire.Returned, h.Seq, nil)
	}
	s.started++
	var info wire.CallInfo
	payload, err := info.Parse(h.Flags, h.Body)
	if err != nil {
		return err
	}
	if int(h.Task) >= len(s.Tasks) {
		return s.fail(h.Seq, &wire.MessageError{Kind: wire.KindUnknown, Message: fmt.Sprintf("the worker has no task number %d", h.Task)})
	}
	task := &s.Tasks[h.Task]
	ctx := s.newContext(task, h.Seq, &info)
	failure := s.invoke(task, ctx, payload)
	ctx.end()
	if failure != nil {
		return s.fail(h.Seq, failure)
	}
	if size := s.size(); size > wire.MaxPayload {
		return s.fail(h.Seq, tooLarge(size))
	}
	return s.finish(wire.Result, h.Seq)
}

func tooLarge(n int) *wire.MessageError {
	return &wire.MessageError{Kind: wire.KindResult, Message: fmt.Sprintf("%d bytes are more than the limit of %d", n, wire.MaxPayload)}
}

// size is how much the reply is, without its header.
func (s *server) size() int { return len(s.out) + len(s.rest) - wire.HeaderSize }

// invoke runs the function, with the encoded result left in s.out, behind room for a header, and s.rest.
func (s *server) invoke(t *Task, ctx *taskContext, payload []byte) (failure *wire.MessageError) {
	returned := false
	defer func() {
		if !returned {
			s.abnormal(ctx, recover(), &failure)
		}
	}()
	out, rest, err := t.Run(ctx, payload, append(s.out[:0], make([]byte, wire.HeaderSize)...))
	returned = true
	s.out, s.rest = out, rest
	if err == nil {
		return nil
	}
	return s.describe(err)
}

// abnormal handles a function that did not return. After runtime.Goexit this goroutine is lost, and the reply must be
// sent before it ends.
func (s *server) abnormal(ctx *taskContext, v any, failure **wire.MessageError) {
	*failure = abnormal(v)
	if v == nil {
		ctx.end()
		s.fail(ctx.seq, *failure) // a broken channel shows again at the next frame
	}
}

func (s *server) describe(err error) *wire.MessageError {
	m := s.Describe(err)
	switch {
	case errors.Is(err, ErrArgument):
		m.Kind = wire.KindArgument
	case errors.Is(err, ErrResult):
		m.Kind = wire.KindResult
	}
	return &m
}

func (s *server) fail(seq uint64, failure *wire.MessageError) error {
	return s.reply(wire.Error, seq, wire.Marshal(failure))
}

func (s *server) reply(t wire.Type, seq uint64, body []byte) error {
	s.out, s.rest = append(append(s.out[:0], make([]byte, wire.HeaderSize)...), body...), nil
	return s.finish(t, seq)
}

const (
	keepOut   = 64 << 10 // a larger reply buffer is kept
	mostSmall = 256      // for so many replies that did not need it
)

// finish sends the reply in s.out and s.rest.
func (s *server) finish(t wire.Type, seq uint64) error {
	var flags uint8
	if s.retire.Load() {
		flags = wire.FlagRetire
	}
	wire.AppendHeader(s.out[:0], t, flags, 0, seq, s.size())
	err := s.deliver(s.out, s.rest)
	s.rest = nil
	s.shrink()
	return err
}

// shrink lets go of a large reply buffer that is not needed any more.
func (s *server) shrink() {
	switch {
	case cap(s.out) <= keepOut:
	case len(s.out) > keepOut:
		s.small = 0
	default:
		if s.small++; s.small > mostSmall {
			s.out, s.small = nil, 0
		}
	}
}

// deliver publishes a reply. While calls wait here, the pool is not told of each reply.
func (s *server) deliver(head, body []byte) error {
	if len(body) == 0 && s.poster != nil && s.stream != nil && s.stream.more() {
		return s.poster.Post(head)
	}
	return s.Calls.Send(head, body)
}

// deadline returns when the context of a call that starts now ends.
func deadline(info *wire.CallInfo) time.Time {
	var d time.Time
	if info.Deadline != 0 {
		d = time.Unix(0, info.Deadline)
	}
	if info.Timeout > 0 {
		if t := time.Now().Add(info.Timeout); d.IsZero() || t.Before(d) {
			d = t
		}
	}
	return d
}

var _ context.Context = (*taskContext)(nil)
