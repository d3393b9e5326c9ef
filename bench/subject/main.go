//go:build unix

// Command subject does the works that are measured on our side, and the bare ones that show what the machine can do. It is
// its own worker program, so that a bare start and a worker's start are starts of the same program.
package main

import (
	"flag"
	"fmt"
	"os"
	"runtime"

	"github.com/procpool/procpool"
	"github.com/procpool/procpool/bench/ask"
)

func main() {
	if len(os.Args) == 2 && bareRoles[os.Args[1]] != nil {
		bareRoles[os.Args[1]]()
		return
	}
	procpool.WorkerMain()
	over := flag.String("over", "ring", "how the pool speaks to its workers: ring or pipe")
	flag.StringVar(&profile.prefix, "cpuprofile", "", "write `PREFIX`.parent.pprof and one file for each worker")
	flag.Parse()
	switch *over {
	case "ring":
		method = procpool.Spawn()
	case "pipe":
		method = procpool.Command(self())
	default:
		fmt.Fprintf(os.Stderr, "subject: -over %s: use ring or pipe\n", *over)
		os.Exit(2)
	}
	stop := profile.start("parent")
	ask.Serve(works)
	pools.close()
	stop()
}

// method is how pools of this run start their workers.
var method procpool.StartMethod

// self is the path of this program: /proc/self/exe would be another program in the process that is started.
func self() string {
	path, err := os.Executable()
	if err != nil {
		panic(err)
	}
	return path
}

// cores is how many processes a pool has where a work does not say.
func cores() int { return runtime.GOMAXPROCS(0) }

// works are filled where they stand.
var works = map[string]ask.Work{}

// work adds a work; it is for package-level variables and init functions of the files beside this one.
func work(name string, w ask.Work) { works[name] = w }
