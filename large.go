package procpool

import (
	"sync"

	"github.com/procpool/procpool/internal/queue"
)

// largeArgument is how large an argument is whose memory is used again: the kernel takes longer to give a fresh page, and
// the garbage collector to take one back, than anybody to write to it.
const largeArgument = 64 << 10

// arguments is memory of large arguments, to be used again. The garbage collector empties it.
var arguments sync.Pool // of *[]byte

// argumentMemory returns where to encode an argument of about size bytes: in small, if that is not large.
func argumentMemory(size int, small []byte) []byte {
	if size < largeArgument {
		return small
	}
	if b, ok := arguments.Get().(*[]byte); ok && size <= cap(*b) && cap(*b)/4 <= size {
		return (*b)[:0]
	}
	return make([]byte, 0, size)
}

// reuseArgument keeps the memory of a call's argument for another one, if nobody needs it any more. The caller resolves the
// call.
func reuseArgument(c *queue.Call, o *queue.Outcome) {
	if o.Spent && len(c.Data) >= largeArgument {
		b := c.Data
		c.Data = nil
		arguments.Put(&b)
	}
}
