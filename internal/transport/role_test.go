package transport

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"
)

// A role is what the worker does in a test. It ends at the latest when Recv or Send fails.
type role func(Peer) error

var roles = map[string]role{
	"echo":   echo,
	"answer": answer,
	"duplex": func(p Peer) error { return duplex(p, duplexBytes) },
	"short":  func(p Peer) error { return duplex(p, shortBytes) },
	"deaf": func(Peer) error { // select {} alone would be a deadlock to the runtime
		<-time.After(time.Hour)
		return nil
	},
	"leave": func(Peer) error { return nil },
	"say":   func(p Peer) error { return p.Send([]byte("last "), []byte("words")) },
	"die": func(p Peer) error {
		err := p.Send(nil, stream1(lastWords))
		if os.Getenv(roleEnv) != "" {
			err = die()
		}
		return err
	},
}

const (
	duplexBytes = 24 << 20
	shortBytes  = 1 << 20
	lastWords   = 40 << 10 // fits into any carrier
)

// roleEnv tells a copy of the test binary which worker to play: carrier/role.
const roleEnv = "PROCPOOL_TRANSPORT_ROLE"

func TestMain(m *testing.M) {
	if name := os.Getenv(roleEnv); name != "" {
		if err := playRole(name); err != nil {
			fmt.Fprintln(os.Stderr, name, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// How a process plays its role, and how it ends without a last word; set where there are processes.
var (
	playPipe, playRing func(role string) error
	die                func() error
)

func playRole(name string) error {
	carrier, role, _ := strings.Cut(name, "/")
	if carrier == "ring" {
		return playRing(role)
	}
	return playPipe(role)
}

func echo(p Peer) error {
	b := make([]byte, 1<<20)
	for {
		n, err := p.Recv(b)
		if err != nil {
			return ended(err)
		}
		if err := p.Send(b[:n/2], b[n/2:n]); err != nil {
			return ended(err)
		}
	}
}

// answer answers each 24 bytes with a message of its own, as a worker does that publishes each result at once.
func answer(p Peer) error {
	b := make([]byte, 64<<10)
	for have := 0; ; {
		n, err := p.Recv(b[have:])
		if err != nil {
			return ended(err)
		}
		have += n
		at := 0
		for ; have-at >= 24; at += 24 {
			if err := p.Send(b[at:at+24], nil); err != nil {
				return ended(err)
			}
		}
		have = copy(b, b[at:have])
	}
}

// ended is nil for the ways in which a test ends its worker.
func ended(err error) error {
	if err == io.EOF || errors.Is(err, ErrClosed) || errors.Is(err, os.ErrClosed) {
		return nil
	}
	return err
}

// duplex sends one endless text and checks that it receives another, both at once. Then it says so.
func duplex(p Peer, size int) error {
	sent := make(chan error, 1)
	go func() { sent <- sendText(2, size, p.Send) }()
	if err := expectText(1, size, p.Recv); err != nil {
		return err
	}
	if err := <-sent; err != nil {
		return err
	}
	return p.Send(nil, []byte("ok"))
}

// sendText sends text number seed in pieces of many sizes.
func sendText(seed byte, left int, send func(head, body []byte) error) error {
	text, sizes := text(seed), rand.New(rand.NewPCG(uint64(seed), 0))
	for left > 0 {
		head := make([]byte, min(left, sizes.IntN(64)))
		text.Read(head)
		left -= len(head)
		body := make([]byte, min(left, randomSize(sizes)))
		text.Read(body)
		left -= len(body)
		if err := send(head, body); err != nil {
			return err
		}
		clear(head) // it may be used again
	}
	return nil
}

// randomSize is small most of the time, and up to 8 MiB.
func randomSize(r *rand.Rand) int {
	if r.IntN(8) == 0 {
		return 0
	}
	return r.IntN(1 << r.IntN(24))
}

func expectText(seed byte, left int, recv func([]byte) (int, error)) error {
	text, sizes := text(seed), rand.New(rand.NewPCG(uint64(seed), 1))
	got, want := make([]byte, 1<<20), make([]byte, 1<<20)
	for left > 0 {
		n, err := recv(got[:min(left, 1+randomSize(sizes), len(got))])
		if err != nil {
			return fmt.Errorf("%d bytes before the end: %w", left, err)
		}
		text.Read(want[:n])
		if !bytes.Equal(got[:n], want[:n]) {
			return fmt.Errorf("%d bytes before the end: not the bytes that were sent", left)
		}
		left -= n
	}
	return nil
}

func text(seed byte) *rand.ChaCha8 { return rand.NewChaCha8([32]byte{seed}) }

// stream1 returns the beginning of text number 1.
func stream1(n int) []byte {
	b := make([]byte, n)
	text(1).Read(b)
	return b
}
