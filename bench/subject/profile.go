//go:build unix

package main

import (
	"context"
	"fmt"
	"os"
	"runtime/pprof"

	"github.com/procpool/procpool"
)

// profile says where CPU profiles go; an empty prefix: nowhere.
var profile profiling

type profiling struct{ prefix string }

// start starts the profile of this process.
func (p profiling) start(who string) (stop func()) {
	if p.prefix == "" {
		return func() {}
	}
	f, err := os.Create(fmt.Sprintf("%s.%s.pprof", p.prefix, who))
	if err == nil {
		err = pprof.StartCPUProfile(f)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "subject: no profile:", err)
		return func() {}
	}
	return func() {
		pprof.StopCPUProfile()
		f.Close()
	}
}

var profileWorker = procpool.DefineInitializer("bench.profile", func(_ context.Context, prefix string) (func(), error) {
	return profiling{prefix}.start(fmt.Sprint("worker-", os.Getpid())), nil
})
