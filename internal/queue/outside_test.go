package queue

import (
	"context"
	"errors"
	"testing"
	"time"
)

func still() time.Duration { return 0 }

func call() *Call { return &Call{Task: &Task{Name: "x"}, Sink: discard{}} }

// full returns a queue with room for one, which is taken, and a call whose submitter waits.
func full(t *testing.T) (q *Queue, inside, outside *Call, entered <-chan struct{}) {
	q, inside, outside = New(1, still, nil), call(), call()
	if _, wait, err := q.Put(inside, false); wait != nil || err != nil {
		t.Fatal(wait, err)
	}
	_, entered, err := q.Put(outside, false)
	if entered == nil || err != nil {
		t.Fatal(entered, err)
	}
	return q, inside, outside, entered
}

// The loop over an IMap is left while its input waits for room: it is let go, and was never in the queue.
func TestCancelLetsASubmitterGo(t *testing.T) {
	q, inside, outside, entered := full(t)
	q.Cancel(outside)
	select {
	case <-entered:
	default:
		t.Fatal("the submitter still waits")
	}
	if ok, err := q.Entered(outside); ok || !errors.Is(err, context.Canceled) {
		t.Errorf("entered: %v, %v", ok, err)
	}
	if s := q.Snapshot(); s.Submitted != 1 || s.Queued != 1 || s.Canceled != 0 {
		t.Errorf("%+v", s)
	}
	q.Cancel(inside)
	if s := q.Snapshot(); s.Queued != 0 || s.Canceled != 1 {
		t.Errorf("%+v", s)
	}
}

// It is left just before the input hands in the next value.
func TestACallCanceledBeforeIsNotAccepted(t *testing.T) {
	q, c := New(0, still, nil), call()
	q.Cancel(c)
	if _, _, err := q.Put(c, false); !errors.Is(err, context.Canceled) {
		t.Errorf("Put: %v", err)
	}
	if s := q.Snapshot(); s.Submitted != 0 || s.Queued != 0 {
		t.Errorf("%+v", s)
	}
}

// The circuit opens and closes again before a submitter that was turned away has looked: it must not take itself for
// accepted.
func TestTurnedAwayAndHealed(t *testing.T) {
	q, _, outside, entered := full(t)
	reason := errors.New("circuit")
	q.Fail(reason)
	q.Heal()
	<-entered
	if ok, err := q.Entered(outside); ok || err != reason {
		t.Errorf("entered: %v, %v", ok, err)
	}
}
