//go:build unix

package main

import (
	"bytes"
	"fmt"
	"time"

	"github.com/procpool/procpool"
)

// These take the size of the payload and how often it is to be handled, and return how often in a second.
func init() {
	work("echo", func(n []int) ([]float64, error) { return bytesWork(n, echoOnce) })
	work("view", func(n []int) ([]float64, error) { return bytesWork(n, viewOnce) })
	work("two-clones", func(n []int) ([]float64, error) { return bytesWork(n, clonesOnce) })
	work("sum", func(n []int) ([]float64, error) { return bytesWork(n, sumOnce) })
}

func bytesWork(n []int, once func(*procpool.Pool, []byte) error) ([]float64, error) {
	p, err := pools.warm(1)
	if err != nil {
		return nil, err
	}
	payload := make([]byte, n[0])
	for i := range payload {
		payload[i] = byte(i)
	}
	if err := once(p, payload); err != nil { // what is mapped once is not what is measured
		return nil, err
	}
	begin := time.Now()
	for range n[1] {
		if err := once(p, payload); err != nil {
			return nil, err
		}
	}
	return rate(n[1], begin), nil
}

func echoOnce(p *procpool.Pool, payload []byte) error {
	b, err := echo.Apply(background, p, payload)
	if err == nil && (len(b) != len(payload) || b[len(b)-1] != payload[len(b)-1]) {
		err = fmt.Errorf("%d bytes came back, or others", len(b))
	}
	return err
}

func viewOnce(p *procpool.Pool, payload []byte) error {
	_, err := sum.Apply(background, p, payload)
	return err
}

// kept keeps what bare works make, so that it is made.
var kept struct {
	bytes []byte
	sum   uint64
}

func clonesOnce(_ *procpool.Pool, payload []byte) error {
	kept.bytes = bytes.Clone(bytes.Clone(payload))
	return nil
}

func sumOnce(_ *procpool.Pool, payload []byte) error {
	kept.sum = sumOf(payload)
	return nil
}
