//go:build unix

package main

import (
	"bytes"
	"time"

	"github.com/fxamacker/cbor/v2"
)

func init() { work("records-codec", recordsCodec) }

// recordsCodec times what a general library takes to encode and decode what a task over records has: twice each way.
func recordsCodec(n []int) ([]float64, error) {
	var buf bytes.Buffer
	begin := time.Now()
	for i := range n[0] {
		r := aRecord(i)
		for range 2 {
			buf.Reset()
			if err := cbor.MarshalToBuffer(&r, &buf); err != nil {
				return nil, err
			}
			r = record{}
			if err := cbor.Unmarshal(buf.Bytes(), &r); err != nil {
				return nil, err
			}
		}
	}
	return rate(n[0], begin), nil
}

func aRecord(i int) record {
	return record{i, "Ada Lovelace", true, 0.5, []string{"red", "green"}, 7, -3, "a note of some length"}
}
