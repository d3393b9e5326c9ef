package procpool

import (
	"github.com/procpool/procpool/internal/supervisor"
)

func launchLines(c *Config, path string, args []string) supervisor.Launch {
	return launchCommand(c, path, args)
}
