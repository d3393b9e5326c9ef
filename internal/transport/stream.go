package transport

import "sync"

// stream is the bytes on their way from one side to the other within a process.
type stream struct {
	changed chan struct{} // has a token when the reader should look again

	mu   sync.Mutex
	buf  []byte
	done int   // of buf: already read
	end  error // once closed: what the reader gets when nothing is left
}

func newStream() *stream { return &stream{changed: make(chan struct{}, 1)} }

func (s *stream) write(head, body []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.end != nil {
		return ErrClosed
	}
	if s.done > len(s.buf)/2 {
		s.buf = s.buf[:copy(s.buf, s.buf[s.done:])]
		s.done = 0
	}
	s.buf = append(append(s.buf, head...), body...)
	s.tell()
	return nil
}

// read returns 0, nil if there is nothing.
func (s *stream) read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := copy(p, s.buf[s.done:])
	s.done += n
	if s.done < len(s.buf) {
		return n, nil
	}
	s.done, s.buf = 0, s.buf[:0]
	if cap(s.buf) > keepBelow {
		s.buf = nil
	}
	if n == 0 {
		return 0, s.end
	}
	return n, nil
}

// close lets nothing more be written. The reader gets what was written before only if keep is set, and then end; of several
// the first, but for ErrClosed, which is the reader's own.
func (s *stream) close(end error, keep bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !keep {
		s.done, s.buf = 0, nil
	}
	if s.end == nil || end == ErrClosed {
		s.end = end
	}
	s.tell()
}

func (s *stream) tell() {
	select {
	case s.changed <- struct{}{}:
	default:
	}
}
