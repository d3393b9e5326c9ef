package wire

import (
	"encoding/binary"
	"slices"
)

// Scanner cuts a stream of bytes into frames. The bytes given to Feed may end anywhere; a frame that is cut off is kept
// until the rest has come. What it keeps is in proportion to what has really arrived, whatever a header claims.
type Scanner struct {
	// Trusting is for a side that believes the other: the memory of a frame is made at once, whatever the header claims, and
	// used again for later ones. Then no body is the receiver's to keep.
	Trusting bool

	part  []byte // the beginning of an unfinished frame
	in    []byte // fed, not yet scanned
	err   error
	whole int    // what part will be; 0: not known yet
	spare []byte // memory for part, if it trusts
	idle  int    // times that it was fed and did not need spare
}

// mostIdle is how often the scanner is fed until it lets go of spare memory that it did not need.
const mostIdle = 256

// Feed gives the scanner more bytes. They must stay unchanged until Next has returned false.
func (s *Scanner) Feed(p []byte) {
	s.in = p
	if s.idle++; s.idle > mostIdle && len(s.part) == 0 {
		s.spare, s.idle = nil, 0
	}
}

// Space returns where to receive the bytes that come next: mostly p, but those of a large frame are best received where they
// belong. Came must be called then, instead of Feed.
func (s *Scanner) Space(p []byte) []byte {
	if room := s.room(); len(room) > 0 {
		return room
	}
	return p
}

// Came feeds the n bytes that were received into Space(p).
func (s *Scanner) Came(p []byte, n int) {
	if len(s.room()) > 0 {
		s.part = s.part[:len(s.part)+n]
		n = 0
	}
	s.Feed(p[:n])
}

// room is memory that waits for the rest of a large frame.
func (s *Scanner) room() []byte {
	end := min(cap(s.part), s.whole)
	if end-len(s.part) < leastRoom {
		return nil
	}
	return s.part[len(s.part):end]
}

const leastRoom = 32 << 10

// Next returns the next whole frame. Its body is valid until the next call of Next or Feed; if owned is true, the body is
// the receiver's to keep. It returns false when the rest of the bytes is kept for the next Feed, or when the stream is
// broken: see Err.
func (s *Scanner) Next() (h Header, body []byte, owned, ok bool) {
	if s.err != nil {
		return h, nil, false, false
	}
	if len(s.part) > 0 {
		return s.join()
	}
	if len(s.in) < HeaderSize {
		s.keep()
		return h, nil, false, false
	}
	if h, s.err = ParseHeader(s.in); s.err != nil {
		return h, nil, false, false
	}
	if len(s.in) < HeaderSize+h.Size {
		s.keep()
		return h, nil, false, false
	}
	body = s.in[HeaderSize : HeaderSize+h.Size : HeaderSize+h.Size]
	s.in = s.in[HeaderSize+h.Size:]
	return h, body, false, true
}

// Frame is a frame as it was received.
type Frame struct {
	Header
	Body  []byte
	Owned bool // the body is the receiver's to keep
}

// Cut is Next for many frames. Their bodies are valid until the next call of Feed. It returns how many there are: less than
// out holds when Next would return false.
func (s *Scanner) Cut(out []Frame) (n int) {
	for n < len(out) && s.Ready() {
		f := &out[n]
		if f.parse(s.in) != nil {
			break
		}
		end := HeaderSize + f.Size
		f.Body, f.Owned = s.in[HeaderSize:end:end], false
		s.in = s.in[end:]
		n++
	}
	for n < len(out) {
		h, body, owned, ok := s.Next()
		if !ok {
			break
		}
		out[n] = Frame{h, body, owned}
		n++
	}
	return n
}

// Ready reports whether Next will return a frame, of those that were fed whole.
func (s *Scanner) Ready() bool {
	return s.err == nil && len(s.part) == 0 && len(s.in) >= HeaderSize &&
		len(s.in)-HeaderSize >= int(binary.LittleEndian.Uint32(s.in))
}

// join completes the kept beginning with what was fed.
func (s *Scanner) join() (h Header, body []byte, owned, ok bool) {
	if !s.fill(HeaderSize) {
		return h, nil, false, false
	}
	if h, s.err = ParseHeader(s.part); s.err != nil {
		return h, nil, false, false
	}
	if !s.fill(HeaderSize + h.Size) {
		return h, nil, false, false
	}
	body = s.part[HeaderSize:]
	if s.Trusting {
		s.spare = s.part[:0]
	}
	s.part, s.whole, s.idle = nil, 0, 0
	return h, body, !s.Trusting, true
}

// fill moves fed bytes to part until it holds n.
func (s *Scanner) fill(n int) bool {
	more := min(n-len(s.part), len(s.in))
	if more > 0 {
		s.reserve(n, more)
		s.part = append(s.part, s.in[:more]...)
		s.in = s.in[more:]
	}
	return len(s.part) >= n
}

// reserve makes room for more bytes. A frame gets four times the memory of what has come of it, and 32 times once that is
// much: so a large body is moved once or twice on its way, and a header that lies costs little.
func (s *Scanner) reserve(n, more int) {
	s.whole = n
	if s.Trusting && n > cap(s.part) {
		s.part = append(slices.Grow(s.spare, n)[:0], s.part...)
		s.spare = nil
		return
	}
	if have := len(s.part) + more; have > cap(s.part) {
		size := 4 * have
		if have >= leastRoom {
			size = 32 * have
		}
		s.part = append(make([]byte, 0, max(have, min(n, size))), s.part...)
	}
}

func (s *Scanner) keep() {
	if len(s.in) > 0 {
		s.part = append(s.part, s.in...)
	}
	s.in = nil
}

// Torn returns how many bytes of an unfinished frame it keeps.
func (s *Scanner) Torn() int { return len(s.part) }

// Err returns what broke the stream.
func (s *Scanner) Err() error { return s.err }
