// Procpool maps functions and programs over the lines of a file, on a pool of worker processes.
package main

import (
	"os"

	"github.com/procpool/procpool"
)

func main() {
	procpool.WorkerMain()
	os.Exit(execute(os.Args[1:]))
}
