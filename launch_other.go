//go:build !linux

package procpool

import "os"

// spawnTransport is how this program speaks to copies of itself.
const spawnTransport = overPipes

func selfPath() (string, error) { return os.Executable() }
