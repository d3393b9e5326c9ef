package transport

import (
	"testing"

	"github.com/procpool/procpool/internal/leak"
)

// A ring of one page is full most of the time.
func TestSmallRing(t *testing.T) {
	leak.Check(t)
	bothDirectionsAtOnce(t, ringInProcess(t, "short", 4<<10), shortBytes)
	tornSizes(t, ringInProcess(t, "echo", 4<<10))
}
