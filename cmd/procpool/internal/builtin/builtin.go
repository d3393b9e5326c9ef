// Package builtin holds the tasks that the command brings along. They run in copies of the command itself.
package builtin

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/procpool/procpool"
	"github.com/procpool/procpool/cmd/procpool/internal/settings"
)

// Names are the tasks that can be asked for by name, and what they do.
var Names = map[string]string{
	"sha256": "the SHA-256 of each item",
	"echo":   "each item as it is",
	"sleep":  "sleep for each item, 0.5 or 300ms, and give it back",
}

var (
	_ = procpool.Define("sha256", sum)
	_ = procpool.Define("echo", func(_ context.Context, item string) (string, error) { return item, nil })
	_ = procpool.Define("sleep", sleep)
)

func sum(_ context.Context, item string) (string, error) {
	h := sha256.Sum256([]byte(item))
	return hex.EncodeToString(h[:]), nil
}

func sleep(ctx context.Context, item string) (string, error) {
	d, err := settings.ParseDuration(item)
	if err != nil {
		return "", fmt.Errorf("sleep: %w", err)
	}
	select {
	case <-time.After(d):
		return item, nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}
