package queue

import "iter"

// segment is a run of items of one call that wait together.
type segment struct {
	call     *Call
	from, to int32
}

const blockLen = 256

// block holds segments lo to hi-1. A list of blocks grows at both ends without moving what it holds.
type block struct {
	prev, next *block
	lo, hi     int
	segs       [blockLen]segment
}

// segments is a double-ended queue. The zero value is empty.
type segments struct {
	first, last *block
	n           int
}

func (s *segments) pushBack(g segment) {
	if s.last == nil || s.last.hi == blockLen {
		b := &block{prev: s.last}
		if s.last == nil {
			s.first = b
		} else {
			s.last.next = b
		}
		s.last = b
	}
	s.last.segs[s.last.hi] = g
	s.last.hi++
	s.n++
}

func (s *segments) pushFront(g segment) {
	if s.first == nil || s.first.lo == 0 {
		b := &block{next: s.first, lo: blockLen, hi: blockLen}
		if s.first == nil {
			s.last = b
		} else {
			s.first.prev = b
		}
		s.first = b
	}
	s.first.lo--
	s.first.segs[s.first.lo] = g
	s.n++
}

// front returns the first segment, to be looked at or changed in place; nil when there is none.
func (s *segments) front() *segment {
	if s.n == 0 {
		return nil
	}
	return &s.first.segs[s.first.lo]
}

func (s *segments) popFront() {
	b := s.first
	b.segs[b.lo] = segment{}
	b.lo++
	s.n--
	if b.lo < b.hi {
		return
	}
	if b.next == nil { // keep one block: a queue that is often empty should not allocate
		b.lo, b.hi = 0, 0
		return
	}
	s.first = b.next
	s.first.prev = nil
}

// filter keeps the segments that keep returns true for, in order.
func (s *segments) filter(keep func(*segment) bool) {
	var kept segments
	for g := s.front(); g != nil; g = s.front() {
		if keep(g) {
			kept.pushBack(*g)
		}
		s.popFront()
	}
	*s = kept
}

// all yields the segments in order.
func (s *segments) all() iter.Seq[*segment] {
	return func(yield func(*segment) bool) {
		for b := s.first; b != nil; b = b.next {
			for i := b.lo; i < b.hi; i++ {
				if !yield(&b.segs[i]) {
					return
				}
			}
		}
	}
}
