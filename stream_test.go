package procpool

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/procpool/procpool/internal/queue"
)

// While values of an IMap run, the circuit opens and aborts them. The consumer has the errors then; answers that come late
// must not touch what he holds.
func TestBatchIsSetOnce(t *testing.T) {
	task := Declare[int, int]("x")
	desk := &fakeDesk{processes: 100}
	s := newStream(t.Context(), task, desk, true)
	for v := range 3 {
		s.add(&v)
	}
	if len(desk.calls) != 3 {
		t.Fatalf("%d calls were submitted", len(desk.calls))
	}
	b := desk.calls[0].Sink.(*batch[int, int])
	reason := errors.New("circuit")
	b.Abort(reason)
	late := []queue.Outcome{answerOf(t, task, 7)}
	if b.Resolve(0, late); !late[0].Unused {
		t.Error("the answer was used")
	}
	if b.values[0] != 0 || b.errs[0] != reason {
		t.Errorf("the batch has %v, %v", b.values, b.errs)
	}
}

// The consumer leaves while a batch is being submitted. It is canceled once the pool has it, not before.
func TestStopWhileSubmitting(t *testing.T) {
	desk := &fakeDesk{processes: 100}
	s := newStream(t.Context(), Declare[int, int]("x"), desk, true)
	desk.meanwhile = func() {
		s.stop()
		if len(desk.canceled) > 0 {
			t.Error("a call that nobody has yet was canceled")
		}
	}
	v := 1
	s.add(&v)
	if len(desk.calls) != 1 || !desk.canceled[desk.calls[0]] {
		t.Errorf("%d calls are left, %d were canceled", len(desk.calls), len(desk.canceled))
	}
}

func answerOf[In any](t *testing.T, task Task[In, int], v int) queue.Outcome {
	payload, err := task.core.out.Append(nil, &v)
	if err != nil {
		t.Error(err)
	}
	return queue.Outcome{Payload: payload}
}

// fakeDesk keeps what is submitted.
type fakeDesk struct {
	processes int
	most      int    // accepts no more calls; 0: all
	failing   int    // refuses each call that is a multiple, for now; 0: none
	meanwhile func() // if not nil, it happens before a call is accepted

	mu       sync.Mutex
	calls    []*queue.Call
	accepted int
	canceled map[*queue.Call]bool
	news     chan struct{} // if not nil
}

func (d *fakeDesk) Desk() queue.Desk { return d }

func (d *fakeDesk) Submit(c *queue.Call, _ bool, _ queue.Waiter) (<-chan struct{}, error) {
	if d.meanwhile != nil {
		d.meanwhile()
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.accepted++; d.most > 0 && d.accepted > d.most {
		return nil, ErrClosed
	}
	if d.failing > 0 && d.accepted%d.failing == 0 {
		return nil, errCircuit
	}
	d.calls = append(d.calls, c)
	if d.news != nil {
		poke(d.news)
	}
	return nil, nil
}

func (d *fakeDesk) Cancel(c *queue.Call) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.canceled == nil {
		d.canceled = map[*queue.Call]bool{}
	}
	d.canceled[c] = true
}

func (d *fakeDesk) Entered(*queue.Call) (bool, error) { return true, nil }
func (d *fakeDesk) Later(func())                      {}
func (d *fakeDesk) Processes() int                    { return d.processes }

// odd is a value of the input. Some cannot be encoded, and some are large.
type odd struct {
	N   int
	Bad bad
	Pad []byte
}

type bad bool

func (b bad) MarshalCBOR() ([]byte, error) {
	if b {
		return nil, errors.New("bad")
	}
	return []byte{0xf4}, nil
}

func oddOf(i int) odd {
	o := odd{N: i, Bad: i%11 == 3}
	if i%13 == 5 {
		o.Pad = make([]byte, batchBytes)
	}
	return o
}

// serve answers what is submitted, in random pieces and order, in several goroutines, until the desk is told to end. Every
// fifth value fails, and of some calls the rest is aborted.
func (d *fakeDesk) serve(t *testing.T, task Task[odd, int], end <-chan struct{}) {
	var group sync.WaitGroup
	defer group.Wait()
	for {
		d.mu.Lock()
		calls := d.calls
		d.calls = nil
		d.mu.Unlock()
		rand.Shuffle(len(calls), func(i, j int) { calls[i], calls[j] = calls[j], calls[i] })
		for _, c := range calls {
			group.Go(func() { answer(t, task, c) }) // ends by itself
		}
		select {
		case <-d.news:
		case <-end:
			return
		}
	}
}

var errFifth = errors.New("fifth")

func answer(t *testing.T, task Task[odd, int], c *queue.Call) {
	for at := 0; at < c.Items(); {
		n := 1 + rand.IntN(c.Items()-at)
		var all []queue.Outcome
		for i := at; i < at+n; i++ {
			var v odd
			if err := task.core.in.Decode(c.Payload(int32(i)), &v); err != nil {
				t.Error(err)
			}
			o := answerOf(t, task, v.N)
			if v.N%5 == 0 {
				o = queue.Outcome{Err: errFifth}
			}
			all = append(all, o)
		}
		if rand.IntN(7) == 0 { // what has been resolved stays
			c.Sink.Abort(errFifth)
		}
		c.Sink.Resolve(int32(at), all)
		at += n
	}
}

// Whatever way the answers come, each value is yielded once, and in order where that is asked for; the input is never
// further ahead than its window; and it may wait for what it has yielded.
func TestStreamModel(t *testing.T) {
	task := Declare[odd, int]("x")
	for round := range 200 {
		r := rand.New(rand.NewPCG(uint64(round), 1))
		n, window := r.IntN(1000), 1+r.IntN(600)
		desk := &fakeDesk{processes: 1 + r.IntN(20), news: make(chan struct{}, 1)}
		end := make(chan struct{})
		served := make(chan struct{})
		go func() { defer close(served); desk.serve(t, task, end) }() // ends with end, which is waited for
		var mu sync.Mutex
		got := 0
		some := sync.NewCond(&mu)
		in := func(yield func(odd) bool) {
			for i := range n {
				mu.Lock()
				if i-got > window { // one may be on its way to the body
					t.Errorf("value %d is taken when %d are given, with a window of %d", i, got, window)
				}
				for i%97 == 96 && got < i { // until all before are given
					some.Wait()
				}
				mu.Unlock()
				if !yield(oddOf(i)) {
					return
				}
			}
		}
		var seen []int
		give := func(i, v int, err error) {
			mu.Lock()
			defer mu.Unlock()
			_, unsent := errors.AsType[*EncodeError](err)
			if got++; err == nil && v != i || err != nil && !errors.Is(err, errFifth) && !unsent || unsent != (i%11 == 3) {
				t.Errorf("value %d gives %d, %v", i, v, err)
			}
			some.Broadcast()
			seen = append(seen, i)
		}
		task := task.With(CallOptions{Window: window})
		if round%2 == 0 {
			i := 0
			for v, err := range task.IMap(t.Context(), desk, iter.Seq[odd](in)) {
				give(i, v, err)
				i++
			}
		} else {
			for it := range task.IMapUnordered(t.Context(), desk, in) {
				give(it.Index, it.Value, it.Err)
			}
			slices.Sort(seen)
		}
		close(end)
		<-served
		if len(seen) != n {
			t.Fatalf("round %d: %d of %d values were yielded", round, len(seen), n)
		}
		for i, v := range seen {
			if i != v {
				t.Fatalf("round %d: value %d at place %d", round, v, i)
			}
		}
	}
}

// What is accepted is yielded, then why the rest is not.
func TestStreamRefused(t *testing.T) {
	task := Declare[odd, int]("x")
	for most := 1; most < 300; most += 37 {
		desk := &fakeDesk{processes: 2, most: most, news: make(chan struct{}, 1)}
		end := make(chan struct{})
		served := make(chan struct{})
		go func() { defer close(served); desk.serve(t, task, end) }() // ends with end, which is waited for
		n, err := 0, error(nil)
		for it := range task.With(CallOptions{Window: 700}).IMapUnordered(t.Context(), desk, slices.Values(make([]odd, 100_000))) {
			if it.Index < 0 {
				err = it.Err
			} else {
				n++
			}
		}
		close(end)
		<-served
		if n < most || err != ErrClosed {
			t.Errorf("of %d calls %d values are yielded, and then %v", most, n, err)
		}
	}
}

var errCircuit = &StartError{Err: errors.New("circuit")}

// While workers cannot start, values fail one by one, and the iteration goes on.
func TestStreamRefusedForNow(t *testing.T) {
	task := Declare[odd, int]("x")
	for failing := 1; failing < 20; failing += 3 {
		desk := &fakeDesk{processes: 2, failing: failing, news: make(chan struct{}, 1)}
		end := make(chan struct{})
		served := make(chan struct{})
		go func() { defer close(served); desk.serve(t, task, end) }() // ends with end, which is waited for
		i, failed := 0, 0
		for _, err := range task.With(CallOptions{Window: 300}).IMap(t.Context(), desk, slices.Values(make([]odd, 5000))) {
			if e, ok := errors.AsType[*ItemError](err); !ok || e.Index != i {
				t.Fatalf("value %d: %v", i, err)
			}
			if i++; errors.Is(err, errCircuit) {
				failed++
			}
		}
		close(end)
		<-served
		if i != 5000 || failed == 0 || failing == 1 && failed != i {
			t.Errorf("every %dth call is refused: of %d values %d failed for that", failing, i, failed)
		}
	}
}

// What the consumer was given is not kept for the others of its batch, which may take long.
func TestStreamGivesAway(t *testing.T) {
	task := Declare[int, int]("x")
	desk := &fakeDesk{processes: 1}
	s := newStream(t.Context(), task.With(CallOptions{Window: 100}), desk, false)
	for v := range 50 {
		s.add(&v)
	}
	b := desk.calls[len(desk.calls)-1].Sink.(*batch[int, int])
	if b.len() < 2 {
		t.Fatalf("no batch in %d calls", len(desk.calls))
	}
	b.Resolve(0, []queue.Outcome{answerOf(t, task, 7)})
	for it := range s.items {
		if it.Value != 7 {
			t.Errorf("gives %+v", it)
		}
		break
	}
	if b.values[0] != 0 {
		t.Errorf("keeps %d", b.values[0])
	}
}

// A loop that is left cancels what it has under way, and submits nothing more.
func TestStreamLeft(t *testing.T) {
	task := Declare[odd, int]("x")
	desk := &fakeDesk{processes: 2, news: make(chan struct{}, 1)}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s := newStream(ctx, task.With(CallOptions{Window: 1000}), desk, false)
	for range 200 {
		if !s.add(&odd{}) {
			t.Fatal("it ended")
		}
	}
	if desk.accepted < 4 || desk.accepted > 20 { // one by one while few are under way, and then in batches
		t.Errorf("%d calls for 200 values", desk.accepted)
	}
	submitted := desk.accepted
	s.stop()
	if len(desk.canceled) != desk.accepted {
		t.Errorf("%d of %d calls were canceled", len(desk.canceled), desk.accepted)
	}
	for _, c := range desk.calls {
		c.Sink.Resolve(0, make([]queue.Outcome, c.Items()))
	}
	if s.add(&odd{}) || desk.accepted != submitted {
		t.Error(fmt.Sprint("goes on: ", desk.accepted))
	}
}
