package transport

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/procpool/procpool/internal/leak"
)

// onAll runs the test over every carrier, with a worker that plays the role.
func onAll(t *testing.T, role string, test func(t *testing.T, w *worker)) {
	for _, c := range carriers {
		t.Run(c.name, func(t *testing.T) {
			leak.Check(t)
			test(t, c.start(t, role))
		})
	}
}

// recvFuncs are the two ways to wait.
func recvFuncs(c Conn) map[string]func([]byte) (int, error) {
	return map[string]func([]byte) (int, error){
		"Recv": recvOf(c),
		"Lead": lending(func(l Lender) (n int, err error) {
			for n == 0 && err == nil {
				n, err = c.Lead(l, time.Hour)
			}
			return n, err
		}),
	}
}

func recvOf(c Conn) func([]byte) (int, error) { return lending(c.Recv) }

func leadOf(c Conn, p []byte, atMost time.Duration) (int, error) {
	return lending(func(l Lender) (int, error) { return c.Lead(l, atMost) })(p)
}

// lending lends what it is given.
func lending(recv func(Lender) (int, error)) func([]byte) (int, error) {
	var l loan
	return func(p []byte) (int, error) {
		l = loan{p: p}
		n, err := recv(&l)
		return l.check(n), err
	}
}

// loan lends p.
type loan struct {
	p         []byte
	out       bool   // it is lent
	reclaimed func() // called when it was
}

func (l *loan) Lend() []byte {
	l.out = true
	return l.p
}

func (l *loan) Reclaim() {
	l.out = false
	if l.reclaimed != nil {
		l.reclaimed()
	}
}

func (l *loan) check(n int) int {
	if n > 0 && !l.out {
		panic("something was received into memory that was not lent")
	}
	return n
}

// Whoever waits has given the memory back.
func TestWaitsWithoutMemory(t *testing.T) {
	onAll(t, "echo", func(t *testing.T, w *worker) {
		for name, recv := range map[string]func(Lender) (int, error){
			"Recv": w.Recv,
			"Lead": func(l Lender) (int, error) { return w.Lead(l, time.Hour) },
		} {
			waits := make(chan struct{})
			l := loan{p: make([]byte, 10), reclaimed: sync.OnceFunc(func() { close(waits) })}
			got := make(chan string)
			go func() { // ends when the echo has come
				n, err := recv(&l)
				got <- fmt.Sprint(string(l.p[:l.check(n)]), err)
			}()
			<-waits
			if err := w.Send([]byte("x"), nil); err != nil {
				t.Fatal(err)
			}
			if s := <-got; s != "x<nil>" {
				t.Errorf("%s: %s", name, s)
			}
		}
	})
}

func TestBothDirectionsAtOnce(t *testing.T) {
	onAll(t, "duplex", func(t *testing.T, w *worker) { bothDirectionsAtOnce(t, w, duplexBytes) })
}

func bothDirectionsAtOnce(t *testing.T, w *worker, size int) {
	sent := make(chan error, 1)
	go func() { sent <- sendText(1, size, w.Send) }()
	recv := inTurns(recvFuncs(w)["Recv"], recvFuncs(w)["Lead"])
	err := expectText(2, size, recv)
	if err := errors.Join(err, <-sent); err != nil {
		t.Fatal(err)
	}
	if got, err := recvAll(recv, 2); err != nil || string(got) != "ok" {
		t.Fatalf("the worker says %q, %v", got, err)
	}
	if err := w.wait(); err != nil {
		t.Error("worker:", err)
	}
}

func inTurns(a, b func([]byte) (int, error)) func([]byte) (int, error) {
	return func(p []byte) (int, error) {
		a, b = b, a
		return a(p)
	}
}

func recvAll(recv func([]byte) (int, error), size int) ([]byte, error) {
	got := make([]byte, size)
	n, err := recvInto(recv, got)
	return got[:n], err
}

// recvInto receives until got is full.
func recvInto(recv func([]byte) (int, error), got []byte) (at int, err error) {
	for at < len(got) && err == nil {
		var n int
		n, err = recv(got[at:])
		at += n
	}
	return at, err
}

func TestTornSizes(t *testing.T) {
	onAll(t, "echo", tornSizes)
}

func tornSizes(t *testing.T, w *worker) {
	for size := range 70 {
		want := stream1(size)
		if err := w.Send(want[:size/3], want[size/3:]); err != nil {
			t.Fatal(err)
		}
		var got []byte
		for tiny := make([]byte, 1+size%5); len(got) < size; {
			n, err := recvOf(w)(tiny)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, tiny[:n]...)
		}
		if !bytes.Equal(got, want) {
			t.Fatalf("got %d other bytes", size)
		}
	}
}

func TestSendNeverBlocks(t *testing.T) {
	onAll(t, "deaf", func(t *testing.T, w *worker) {
		body := make([]byte, 10<<20)
		for range 3 {
			if err := w.Send([]byte("head"), body); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Control([]byte("control")); err != nil {
			t.Fatal(err)
		}
		if n, err := w.TryRecv(body); n != 0 || err != nil {
			t.Fatalf("TryRecv = %d, %v", n, err)
		}
		if n, err := leadOf(w, body, time.Microsecond); n != 0 || err != nil {
			t.Fatalf("Lead = %d, %v", n, err)
		}
	})
}

// What was sent has to stay unchanged until all of it is on its way.
func TestSent(t *testing.T) {
	onAll(t, "deaf", func(t *testing.T, w *worker) {
		if err := w.Send(nil, make([]byte, 10<<20)); err != nil {
			t.Fatal(err)
		}
		if _, copies := w.Conn.(*Memory); w.Sent() != copies {
			t.Errorf("nobody receives what was sent: Sent = %v", w.Sent())
		}
	})
	onAll(t, "duplex", func(t *testing.T, w *worker) {
		bothDirectionsAtOnce(t, w, duplexBytes)
		if !w.Sent() {
			t.Error("the worker has got it all, but it is not sent")
		}
	})
}

func TestInterruptBefore(t *testing.T) {
	onAll(t, "deaf", func(t *testing.T, w *worker) {
		w.Interrupt()
		for name, recv := range recvFuncs(w) {
			for range 2 {
				if n, err := recv(make([]byte, 10)); n != 0 || err != ErrInterrupted {
					t.Errorf("%s = %d, %v", name, n, err)
				}
			}
		}
	})
}

func TestInterruptDuring(t *testing.T) {
	for name := range recvFuncs(&Memory{}) {
		t.Run(name, func(t *testing.T) {
			onAll(t, "deaf", func(t *testing.T, w *worker) {
				waiting, got := make(chan struct{}), make(chan error)
				go func() {
					close(waiting)
					_, err := recvFuncs(w)[name](make([]byte, 10))
					got <- err
				}()
				<-waiting
				w.Interrupt()
				if err := <-got; err != ErrInterrupted {
					t.Error(err)
				}
			})
		})
	}
}

// What is there can still be received after Interrupt.
func TestInterruptDrains(t *testing.T) {
	onAll(t, "die", func(t *testing.T, w *worker) {
		w.wait()
		w.Interrupt()
		for _, recv := range []func([]byte) (int, error){w.TryRecv, recvOf(w), recvFuncs(w)["Lead"]} {
			got, err := recvAll(recv, lastWords/4)
			if err != nil || len(got) != lastWords/4 {
				t.Fatalf("got %d bytes, %v", len(got), err)
			}
		}
	})
}

func TestLastWordsOutliveTheWorker(t *testing.T) {
	for name := range recvFuncs(&Memory{}) {
		t.Run(name, func(t *testing.T) {
			onAll(t, "die", func(t *testing.T, w *worker) {
				w.wait()
				recv := recvFuncs(w)[name]
				got, err := recvAll(recv, lastWords)
				if err != nil || !bytes.Equal(got, stream1(lastWords)) {
					t.Fatalf("got %d bytes, %v", len(got), err)
				}
				for range 2 {
					if n, err := recvOf(w)(got); n != 0 || err != io.EOF {
						t.Errorf("then Recv = %d, %v", n, err)
					}
				}
			})
		})
	}
}

func TestEndWhileWaiting(t *testing.T) {
	onAll(t, "say", func(t *testing.T, w *worker) {
		got, err := recvAll(recvOf(w), 100)
		if string(got) != "last words" || err != io.EOF {
			t.Errorf("got %q, %v", got, err)
		}
	})
}

func TestSendToNobody(t *testing.T) {
	onAll(t, "leave", func(t *testing.T, w *worker) {
		if _, err := recvOf(w)(make([]byte, 1)); err != io.EOF {
			t.Fatal(err)
		}
		w.wait()
		if err := w.Send([]byte("head"), []byte("body")); err != ErrClosed {
			t.Error(err)
		}
	})
}

func TestClosed(t *testing.T) {
	onAll(t, "leave", func(t *testing.T, w *worker) {
		w.wait()
		for range 2 {
			if err := w.Close(); err != nil {
				t.Error(err)
			}
		}
		for name, recv := range recvFuncs(w) {
			if n, err := recv(make([]byte, 10)); n != 0 || err != ErrClosed {
				t.Errorf("%s = %d, %v", name, n, err)
			}
		}
		if n, err := w.TryRecv(make([]byte, 10)); n != 0 || err != ErrClosed {
			t.Errorf("TryRecv = %d, %v", n, err)
		}
		if err := w.Send([]byte("head"), nil); err != ErrClosed {
			t.Error("Send:", err)
		}
		w.Interrupt()
	})
}
