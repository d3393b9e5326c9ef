// Command goplugin does the works of the bench with hashicorp/go-plugin: one plugin process, net/rpc.
package main

import (
	"fmt"
	"io"
	"net/rpc"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"

	"github.com/procpool/procpool/bench/ask"
)

// concurrency is how many calls are under way at a time where they may be: more did not raise the rate.
const concurrency = 256

var handshake = plugin.HandshakeConfig{ProtocolVersion: 1, MagicCookieKey: "PROCPOOL_BENCH_PLUGIN", MagicCookieValue: "echo"}

// Echo is the service in the plugin's process.
type Echo struct{}

// Call answers n with n.
func (Echo) Call(n int, answer *int) error {
	*answer = n
	return nil
}

type echoPlugin struct{}

func (echoPlugin) Server(*plugin.MuxBroker) (any, error) { return Echo{}, nil }

func (echoPlugin) Client(_ *plugin.MuxBroker, c *rpc.Client) (any, error) { return c, nil }

func main() {
	plugins := map[string]plugin.Plugin{"echo": echoPlugin{}}
	if os.Getenv(handshake.MagicCookieKey) != "" {
		plugin.Serve(&plugin.ServeConfig{HandshakeConfig: handshake, Plugins: plugins, Logger: silent()})
		return
	}
	client := plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig: handshake, Plugins: plugins, Cmd: exec.Command("/proc/self/exe"), Logger: silent(),
	})
	defer client.Kill()
	echo, err := dispense(client)
	if err != nil {
		fmt.Fprintln(os.Stderr, "goplugin:", err)
		os.Exit(1)
	}
	ask.Serve(map[string]ask.Work{
		"apply": func(n []int) ([]float64, error) { return call(echo, n[0], 1) },
		"async": func(n []int) ([]float64, error) { return call(echo, n[0], concurrency) },
	})
}

func silent() hclog.Logger {
	return hclog.New(&hclog.LoggerOptions{Output: io.Discard, Level: hclog.Off})
}

func dispense(client *plugin.Client) (*rpc.Client, error) {
	protocol, err := client.Client()
	if err != nil {
		return nil, err
	}
	echo, err := protocol.Dispense("echo")
	if err != nil {
		return nil, err
	}
	return echo.(*rpc.Client), nil
}

// call makes n calls, so many at a time.
func call(echo *rpc.Client, n, callers int) ([]float64, error) {
	var left, failed atomic.Int64
	left.Store(int64(n))
	var group sync.WaitGroup
	begin := time.Now()
	for range callers {
		group.Go(func() {
			var answer int
			for left.Add(-1) >= 0 {
				if err := echo.Call("Plugin.Call", 1, &answer); err != nil {
					failed.Add(1)
				}
			}
		})
	}
	group.Wait()
	if f := failed.Load(); f > 0 {
		return nil, fmt.Errorf("%d calls failed", f)
	}
	return []float64{float64(n) / time.Since(begin).Seconds()}, nil
}
