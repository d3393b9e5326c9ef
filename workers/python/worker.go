package python

import (
	"github.com/procpool/procpool"
	"github.com/procpool/procpool/internal/start"
)

// Worker returns a start method for pools whose workers are Python interpreters, named PythonPoolWorker-N. Nothing needs
// to be installed but Python 3.8 or later: what the worker needs travels with this program. Wrong options are told by
// procpool.New.
func Worker(o Options) procpool.StartMethod {
	path, args, err := command(o)
	return procpool.StartProgram(start.Program{Prefix: "PythonPoolWorker", Path: path, Args: args, Err: err})
}
