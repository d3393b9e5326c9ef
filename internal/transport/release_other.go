//go:build !amd64 || race

package transport

import "sync/atomic"

// release stores v to a word that a process shares with another, after everything that it has stored or loaded before. The race
// detector takes a Store for weaker than a Swap.
func release(word *atomic.Uint64, v uint64) { word.Swap(v) }
