package transport

import "testing"

// BenchmarkRevoke is what it costs to take calls back from a worker with and without barriers of its own.
func BenchmarkRevoke(b *testing.B) {
	for name, fenced := range map[string]bool{"fenced": true, "unfenced": false} {
		b.Run(name, func(b *testing.B) {
			board := NewMemoryBoard()
			for b.Loop() {
				board.Revoke(1, fenced)
			}
		})
	}
}
