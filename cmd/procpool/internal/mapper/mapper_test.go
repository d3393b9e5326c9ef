package mapper

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/procpool/procpool"
	"github.com/procpool/procpool/cmd/procpool/internal/items"
	"github.com/procpool/procpool/cmd/procpool/internal/value"
	"github.com/procpool/procpool/event"
	"github.com/procpool/procpool/internal/codec"
	"github.com/procpool/procpool/pooltest"
)

var errBad = errors.New("bad")

// Items say what to do: block until canceled, fail, or come back.
var _ = procpool.Define("mapper.do", func(ctx context.Context, item string) (string, error) {
	switch item {
	case "block":
		<-ctx.Done()
		return "", ctx.Err()
	case "fail":
		return "", errBad
	}
	return item, nil
})

func run(t *testing.T, o Options, texts []string, onEvent func(*Mapper, event.Event)) (told []string, read int, err error) {
	t.Helper()
	var m atomic.Pointer[Mapper]
	pool, err := procpool.New(procpool.Config{Processes: 2, StartMethod: procpool.Goroutines(), OnEvent: func(e event.Event) {
		if onEvent != nil && m.Load() != nil {
			onEvent(m.Load(), e)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Terminate()
	o.Task = procpool.Declare[codec.Raw, codec.Raw]("mapper.do")
	list := &list{}
	m.Store(New(pool, o, list))
	var n atomic.Int64
	err = m.Load().Run(func(yield func(items.Item, error) bool) {
		for i, text := range texts {
			n.Add(1)
			if !yield(items.Item{Index: i, Text: text}, nil) {
				return
			}
		}
	})
	if err := pool.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	return list.told, int(n.Load()), err
}

// list is a teller that keeps what it is told.
type list struct{ told []string }

func (l *list) Tell(r *Result) error {
	text, _ := value.AppendText(nil, r.Output)
	if r.Err != nil {
		text = []byte("failed")
	}
	l.told = append(l.told, string(text))
	return nil
}

func (l *list) Flush() error { return nil }

func TestOrder(t *testing.T) {
	pooltest.Check(t)
	texts := []string{"a", "fail", "b", "c"}
	told, _, err := run(t, Options{}, texts, nil)
	if want := []string{"a", "failed", "b", "c"}; !slices.Equal(told, want) || err != nil {
		t.Errorf("told %q, %v", told, err)
	}
	told, _, err = run(t, Options{Unordered: true}, texts, nil)
	slices.Sort(told)
	if want := []string{"a", "b", "c", "failed"}; !slices.Equal(told, want) || err != nil {
		t.Errorf("told %q, %v", told, err)
	}
}

// However long the input and however slow one item, no more is read than fits into the window, and one that waits.
func TestWindowBounds(t *testing.T) {
	pooltest.Check(t)
	texts := append([]string{"block"}, slices.Repeat([]string{"a"}, 1000)...)
	finished := 0
	told, read, err := run(t, Options{Window: 8}, texts, func(m *Mapper, e event.Event) {
		if _, ok := e.(event.TaskFinished); ok {
			if finished++; finished == 7 {
				m.halt(0)
			}
		}
	})
	if read > 9 || err != nil {
		t.Errorf("%d items were read, want 9 at most; %v", read, err)
	}
	if want := slices.Repeat([]string{"a"}, 7); !slices.Equal(told, want) {
		t.Errorf("told %q", told)
	}
}

func TestFailFast(t *testing.T) {
	pooltest.Check(t)
	for _, unordered := range []bool{false, true} {
		told, _, err := run(t, Options{FailFast: true, Unordered: unordered}, []string{"block", "fail", "block"}, nil)
		if !slices.Equal(told, []string{"failed"}) || err != nil {
			t.Errorf("unordered %v: told %q, %v", unordered, told, err)
		}
	}
}

// Bytes bound the window too, those that results are expected to have included.
func TestRoomCountsBytes(t *testing.T) {
	r := newRoom(0)
	r.enter(10)
	r.leave(10, 8*usualBytes) // results are large: smoothed, as large as the room
	r.enter(10)
	if !r.full(10) {
		t.Error("a second item with such a result was let in")
	}
	r = newRoom(2)
	r.enter(2 * usualBytes)
	if r.full(2 * usualBytes) {
		t.Error("a window that was asked for counts items only")
	}
}
