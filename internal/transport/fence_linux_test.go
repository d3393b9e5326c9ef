package transport

import "testing"

// Two may take back calls at the same time, and the one who came first be the last to tell the worker.
func TestRevokeLate(t *testing.T) {
	board, file, err := NewBoard(0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	defer board.Close()
	for _, last := range []uint64{9, 5} {
		if claimed, ok := board.Revoke(last, true); claimed != 0 || !ok {
			t.Errorf("Revoke(%d) = %d, %v", last, claimed, ok)
		}
	}
	if board.Claim(7) {
		t.Error("a call can be claimed that was taken back")
	}
	if !board.Claim(10) {
		t.Error("a call cannot be claimed that was not taken back")
	}
}

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
