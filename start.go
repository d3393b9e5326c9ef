package procpool

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/procpool/procpool/internal/start"
	"github.com/procpool/procpool/internal/supervisor"
)

// StartMethod is how a pool starts its workers. The zero value is Spawn().
type StartMethod struct{ method *startMethod }

// startMethod is what a start method is made of.
type startMethod struct {
	prefix string // of the workers' names
	check  func(*Config) error
	launch func(*Config) supervisor.Launch
	own    bool // workers are this program, and have its tasks
}

func (m StartMethod) get() *startMethod {
	if m.method == nil {
		return spawnMethod
	}
	return m.method
}

func (m StartMethod) check(c *Config) error { return m.get().check(c) }

// Spawn starts this program again: /proc/self/exe on Linux. Its main, and TestMain, must begin with WorkerMain.
func Spawn() StartMethod { return StartMethod{spawnMethod} }

var spawnMethod = &startMethod{
	prefix: "SpawnPoolWorker",
	own:    true,
	check: func(*Config) error {
		registry.mu.Lock()
		defer registry.mu.Unlock()
		if !registry.serving {
			return errors.New("procpool: call procpool.WorkerMain() as the first statement of main, or of TestMain: " +
				"workers are this program, and would else run its main, and start pools without end")
		}
		return needProcesses()
	},
	launch: launchSpawn,
}

// Command starts any program that speaks docs/protocol.md, a Go program whose main calls WorkerMain included. A path
// without a slash is looked for in PATH. An unknown task is an error before it is sent.
//
// The program begins as a shell, /bin/sh, which waits until its end is tied to the pool's and then becomes the program, in
// the same process: so nothing that it starts outlives a pool that is killed meanwhile. Where a shell would not hand on the
// environment as it is, or there is none, the program begins at once.
func Command(path string, args ...string) StartMethod {
	return StartMethod{&startMethod{
		prefix: "CommandPoolWorker",
		check:  func(*Config) error { return needProgram("Command", path) },
		launch: func(c *Config) supervisor.Launch { return launchCommand(c, path, args, false) },
	}}
}

// Lines starts a plain line filter and keeps it running: any program that answers each line on its standard input with
// one line on its standard output, and does not buffer. Its only task is Declare[string, string]("line"). A filter that
// answers twice, or not at all when it ends, is ended with a clear error. Standard error is output as elsewhere. It begins
// as a shell, as with [Command].
func Lines(path string, args ...string) StartMethod {
	return StartMethod{&startMethod{
		prefix: "LinesPoolWorker",
		check:  func(*Config) error { return needProgram("Lines", path) },
		launch: func(c *Config) supervisor.Launch { return launchLines(c, path, args) },
	}}
}

// Goroutines runs tasks on goroutines of this process, as Python's ThreadPool does: for tests and debugging, and where
// there are no processes. Arguments and results are encoded as elsewhere. Nothing can be killed: after Grace the result
// resolves and the goroutine is abandoned. Memory limits make New fail. os.Exit ends the program. PID is this process.
func Goroutines() StartMethod { return StartMethod{goroutineMethod} }

var goroutineMethod = &startMethod{
	prefix: "GoroutinePoolWorker",
	own:    true,
	check: func(c *Config) error {
		r := c.Recycle
		return wrongIf(r.Memory > 0 || r.Growth > 0 || r.HardMemory > 0,
			"Recycle.Memory, Growth and HardMemory need processes: goroutines share one memory; use Spawn, or leave them 0")
	},
	launch: launchGoroutine,
}

// StartProgram is for this repository's packages: Command for workers with names of their own.
func StartProgram(p start.Program) StartMethod {
	return StartMethod{&startMethod{
		prefix: p.Prefix,
		check: func(*Config) error {
			if p.Err != nil {
				return p.Err
			}
			return needProgram(p.Prefix, p.Path)
		},
		launch: func(c *Config) supervisor.Launch { return launchCommand(c, p.Path, p.Args, true) },
	}}
}

func needProgram(method, path string) error {
	if path == "" {
		return fmt.Errorf("procpool: %s needs the path of a program", method)
	}
	return needProcesses()
}

func needProcesses() error {
	switch runtime.GOOS {
	case "linux", "darwin":
		return nil
	}
	return fmt.Errorf("procpool: worker processes on %s: %w: use Goroutines()", runtime.GOOS, errors.ErrUnsupported)
}

var workerCount atomic.Int64

// nextName names a worker: the method's prefix and a number that counts the workers of this process.
func (m *startMethod) nextName() string {
	return fmt.Sprintf("%s-%d", m.prefix, workerCount.Add(1))
}

// marker is the environment variable that tells a program that it is a worker, and over which transport.
const marker = "PROCPOOL_WORKER"

// environ returns a worker's environment: the parent's, what the transport needs, and Config.Env. Go workers use one
// processor each, as the pool has many of them. Without a transport the program is none that could be told.
func (c *Config) environ(transport string) []string {
	env := slices.DeleteFunc(os.Environ(), func(kv string) bool {
		return strings.HasPrefix(kv, marker+"=") || strings.HasPrefix(kv, "GOMAXPROCS=")
	})
	if transport != "" {
		env = append(env, "GOMAXPROCS=1", marker+"="+transport)
	}
	return lastOfEach(append(env, c.Env...))
}

// lastOfEach drops what is set again later: a program that finds a variable twice may take the first.
func lastOfEach(env []string) (kept []string) {
	seen := map[string]bool{}
	for _, kv := range slices.Backward(env) {
		name, _, _ := strings.Cut(kv, "=")
		if !seen[name] {
			seen[name] = true
			kept = append(kept, kv)
		}
	}
	slices.Reverse(kept)
	return kept
}
