package transport

import "slices"

// backlog is what was sent and is not yet written, in order.
type backlog struct {
	parts [][]byte // none is empty
	open  bool     // the last part is our copy: more can be added to it
	spare []byte   // a copy's memory, to be used again
}

const (
	copyBelow = 4 << 10  // a shorter body is copied: cheaper than a part of its own
	keepBelow = 64 << 10 // a larger copy's memory is not kept
)

func (b *backlog) empty() bool { return len(b.parts) == 0 }

// add adds a copy of head, and body itself unless it is short.
func (b *backlog) add(head, body []byte) {
	b.addCopy(head)
	if len(body) < copyBelow {
		b.addCopy(body)
		return
	}
	b.parts = append(b.parts, body)
	b.open = false
}

func (b *backlog) addCopy(p []byte) {
	if len(p) == 0 {
		return
	}
	if !b.open {
		b.parts = append(b.parts, b.spare)
		b.open, b.spare = true, nil
	}
	last := &b.parts[len(b.parts)-1]
	*last = append(*last, p...)
}

// drop removes the first n bytes.
func (b *backlog) drop(n int) {
	whole := 0
	for n > 0 && n >= len(b.parts[whole]) {
		n -= len(b.parts[whole])
		whole++
	}
	if whole == len(b.parts) && b.open {
		if last := b.parts[whole-1]; cap(last) <= keepBelow {
			b.spare = last[:0]
		}
		b.open = false
	}
	b.parts = slices.Delete(b.parts, 0, whole)
	if n > 0 {
		b.parts[0] = b.parts[0][n:]
	}
}

// discard removes everything.
func (b *backlog) discard() { *b = backlog{} }
