// Package lines is the worker's side of a pool for a plain line filter: a program that answers each line on its standard
// input with one on its standard output. It runs within the pool's process and translates calls to lines and back.
package lines

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/procpool/procpool/internal/codec"
	"github.com/procpool/procpool/internal/transport"
	"github.com/procpool/procpool/internal/wire"
)

// Task is the name of a filter's only task: a line in, a line out, both without their end.
const Task = "line"

// Filter translates between a pool and a filter.
type Filter struct {
	peer  *transport.MemoryPeer
	board *transport.Board
	text  codec.Codec[string]
	done  chan struct{} // closed when nothing more can come from the filter

	mu  sync.Mutex
	seq uint64 // the call whose line the filter has; 0: none
}

// Serve translates until both sides are at their end. It starts two goroutines: one writes lines and ends with the
// pool's side, at stop, or when the filter reads no more; one reads lines and ends with the filter's output. Drained is
// closed at the end of the second.
func Serve(peer *transport.MemoryPeer, board *transport.Board, in io.WriteCloser, out io.Reader) *Filter {
	f := &Filter{peer: peer, board: board, text: codec.For[string](), done: make(chan struct{})}
	go f.write(in)
	go f.read(out)
	return f
}

// Drained is closed when the filter's output has ended and everything in it is on its way to the pool.
func (f *Filter) Drained() <-chan struct{} { return f.done }

// write takes calls and writes their lines.
func (f *Filter) write(in io.WriteCloser) {
	defer in.Close() // the filter leaves at the end of its input
	var scan wire.Scanner
	buf := make([]byte, 64<<10)
	for {
		n, err := f.peer.Recv(buf)
		if err != nil {
			return
		}
		scan.Feed(buf[:n])
		for {
			h, body, _, ok := scan.Next()
			if !ok {
				break
			}
			if h.Type == wire.Stop {
				return
			}
			if f.handle(h, body, in) != nil {
				f.unheard()
				return
			}
		}
	}
}

// unheardMost is how long a filter that reads no more may take to end.
const unheardMost = time.Second

// unheard handles a filter that reads no more. Most often it is gone, and its end tells why; maybe it has answered. One that
// lives on never will: the pool sees a channel that is closed.
func (f *Filter) unheard() {
	select {
	case <-f.done:
	case <-time.After(unheardMost):
		f.peer.Close()
	}
}

// handle returns why the filter reads no more, if it does not.
func (f *Filter) handle(h wire.Header, body []byte, in io.Writer) error {
	switch h.Type {
	case wire.Setup:
		hello := wire.MessageHello{Version: wire.Version, Language: "lines", Tasks: []string{Task}, Window: 1, Fenced: true}
		b := wire.AppendFrame(nil, wire.Header{Type: wire.Hello}, wire.Marshal(&hello))
		f.peer.Send(wire.AppendFrame(b, wire.Header{Type: wire.Ready}, nil), nil)
	case wire.Call:
		return f.call(h, body, in)
	}
	return nil
}

// call writes the line of one call.
func (f *Filter) call(h wire.Header, body []byte, in io.Writer) error {
	if !f.board.Claim(h.Seq) {
		f.answer(wire.Returned, h.Seq, nil)
		return nil
	}
	_, payload, err := wire.ParseCall(h.Flags, body)
	var line string
	if err == nil {
		err = f.text.Decode(payload, &line)
	}
	if err == nil && bytes.IndexByte([]byte(line), '\n') >= 0 {
		err = errors.New("a line cannot contain a newline: split it, or encode it")
	}
	if err != nil {
		f.answer(wire.Error, h.Seq, wire.Marshal(&wire.MessageError{Kind: wire.KindArgument, Message: err.Error()}))
		return nil
	}
	f.mu.Lock()
	f.seq = h.Seq
	f.mu.Unlock()
	_, err = io.WriteString(in, line+"\n")
	return err
}

// read takes lines and answers calls.
func (f *Filter) read(out io.Reader) {
	defer close(f.done)
	r := bufio.NewReaderSize(out, 64<<10)
	for {
		line, err := readLine(r)
		if err == nil && r.Buffered() > 0 {
			err = unasked(line)
		}
		if err == nil {
			err = f.take(line)
		}
		if err != nil {
			f.end(err)
			return
		}
	}
}

// take answers the call that waits with a line.
func (f *Filter) take(line []byte) error {
	f.mu.Lock()
	seq := f.seq
	f.seq = 0
	f.mu.Unlock()
	if seq == 0 {
		return unasked(line)
	}
	s := string(line)
	payload, err := f.text.Append(nil, &s)
	if err != nil {
		return err
	}
	f.answer(wire.Result, seq, payload)
	return nil
}

// unasked is what is wrong with a filter that prints more than it was asked. If the line too many comes only after the next
// one was asked for, nobody can tell: then it stands for that one's answer, and the fault shows with the one after.
func unasked(line []byte) error {
	return fmt.Errorf("it printed more lines than it was given, after %q: a filter answers each line with exactly one line", excerpt(line))
}

func excerpt(line []byte) []byte { return line[:min(len(line), 80)] }

var errLong = fmt.Errorf("it printed a line of more than %d bytes", wire.MaxPayload)

// readLine reads a line without its end. What stands behind the last end of line is no answer: the filter died in it.
func readLine(r *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := r.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case err == nil:
			return line[:len(line)-1], nil
		case err != bufio.ErrBufferFull:
			return nil, err
		case len(line) > wire.MaxPayload:
			return nil, errLong
		}
	}
}

func (f *Filter) answer(t wire.Type, seq uint64, body []byte) {
	f.peer.Send(wire.AppendFrame(nil, wire.Header{Type: t, Seq: seq}, body), nil)
}

// end tells the pool that nothing more comes. The end of the output is the end of the filter, or nearly; else it has
// broken the rules.
func (f *Filter) end(err error) {
	if !errors.Is(err, io.EOF) && !errors.Is(err, os.ErrClosed) {
		f.peer.Fail(err)
		return
	}
	f.peer.Close()
}
