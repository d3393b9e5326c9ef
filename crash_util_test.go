package procpool_test

import (
	"bytes"
	"fmt"
	"sync"

	"github.com/procpool/procpool/event"
)

// crashEvents keeps what a pool told.
type crashEvents struct {
	mu   sync.Mutex
	list []event.Event
}

func (s *crashEvents) add(e event.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list = append(s.list, e)
}

func (s *crashEvents) all() []event.Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]event.Event(nil), s.list...)
}

// crashEventsOf returns the crashEvents of one type.
func crashEventsOf[E event.Event](s *crashEvents) (found []E) {
	for _, e := range s.all() {
		if e, ok := e.(E); ok {
			found = append(found, e)
		}
	}
	return found
}

// crashOutput keeps what workers printed.
type crashOutput struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *crashOutput) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

func (o *crashOutput) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

func crashInputs(n int) (in []int) {
	for i := range n {
		in = append(in, i)
	}
	return in
}

// crashDoubled says what is wrong with the results of a map that doubles 0, 1, 2, ...
func crashDoubled(out []int, err error) error {
	if err != nil {
		return fmt.Errorf("innocent tasks: %w", err)
	}
	for i, v := range out {
		if v != 2*i {
			return fmt.Errorf("innocent task %d: %d", i, v)
		}
	}
	return nil
}
