package python

import (
	"github.com/procpool/procpool"
	"github.com/procpool/procpool/internal/start"
)

// Worker starts Python programs as workers, named PythonPoolWorker-N. Their functions are called through
// [procpool.Declare]. An exception arrives as a *procpool.TaskError with its traceback. Cancel and a timeout raise
// procpool.Canceled and procpool.TimedOut in the function, also while it sleeps.
func Worker(o Options) procpool.StartMethod {
	path, args, err := command(o)
	return procpool.StartProgram(start.Program{Prefix: "PythonPoolWorker", Path: path, Args: args, Err: err})
}
