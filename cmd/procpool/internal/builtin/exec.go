package builtin

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/kballard/go-shellquote"

	"github.com/procpool/procpool"
	"github.com/procpool/procpool/internal/process"
)

// ExecName is the task that runs a program for each item.
const ExecName = "exec"

var _ = procpool.Define(ExecName, run)

// Template is a command with {} where the item goes; without any, it goes to the end.
type Template struct {
	Words []string // the program and its arguments
	Shell string   // or what sh is to run
}

// NewTemplate makes a template of what was typed. Without shell, quotes group words as they do in a shell, and nothing
// else is special.
func NewTemplate(command string, shell bool) (Template, error) {
	if strings.TrimSpace(command) == "" {
		return Template{}, errors.New("--exec needs a command")
	}
	if shell {
		if !strings.Contains(command, hole) {
			command += " " + hole
		}
		return Template{Shell: command}, nil
	}
	words, err := shellquote.Split(command)
	if err != nil {
		return Template{}, fmt.Errorf("--exec %s: %w", command, err)
	}
	if !strings.Contains(strings.Join(words, " "), hole) {
		words = append(words, hole)
	}
	if _, err := exec.LookPath(words[0]); err != nil && words[0] != hole {
		return Template{}, fmt.Errorf("--exec: %w", err)
	}
	return Template{Words: words}, nil
}

const hole = "{}"

// fill returns the command for an item.
func (t Template) fill(item string) []string {
	if t.Shell != "" {
		return []string{"sh", "-c", strings.ReplaceAll(t.Shell, hole, shellquote.Join(item))}
	}
	words := make([]string, len(t.Words))
	for i, w := range t.Words {
		words[i] = strings.ReplaceAll(w, hole, item)
	}
	return words
}

// Initializer gives every worker the template.
func (t Template) Initializer() procpool.Initializer { return setTemplate.Bind(t) }

// template is the worker's: set once, before its first task.
var template Template

var setTemplate = procpool.DefineInitializer("exec", func(_ context.Context, t Template) (func(), error) {
	template = t
	return nil, nil
})

// leaves is how long a program that is told to stop has, and how long its output may stay open after its end. Tests are
// less patient.
var leaves = time.Second

// run runs the program and returns what it printed. It stays in the worker's process group, so that whatever is left of
// it ends with the worker.
func run(ctx context.Context, item string) (string, error) {
	words := template.fill(item)
	cmd := exec.CommandContext(ctx, words[0], words[1:]...)
	cmd.Stderr = os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = leaves
	out, err := output(cmd)
	if ctx.Err() != nil {
		procpool.RetireWorker(ctx) // the program's own children may be left
		return "", ctx.Err()
	}
	return strings.TrimSuffix(out, "\n"), err
}

// output runs a program and returns what it has printed until its end, and what anything in the background, which has the
// output still, prints soon. exec's own way would cut off what this process comes to read too late.
func output(cmd *exec.Cmd) (string, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return "", err
	}
	defer r.Close()
	cmd.Stdout = w
	err = cmd.Start()
	w.Close()
	if err != nil {
		return "", err
	}
	var out bytes.Buffer
	ended := make(chan error, 1)
	go func() { // ends with the output, or at the deadline; waited for below
		_, err := out.ReadFrom(r)
		ended <- err
	}()
	err = cmd.Wait()
	r.SetReadDeadline(time.Now().Add(leaves))
	if <-ended != nil {
		drain(r, &out)
	}
	return out.String(), err
}

// drain reads what a pipe holds: what was written last when its writer ended.
func drain(r *os.File, out *bytes.Buffer) {
	rest := make([]byte, 1<<20) // the most; somebody may go on writing
	for len(rest) > 0 {
		n, err := process.ReadNow(r, rest)
		if err != nil {
			return
		}
		out.Write(rest[:n])
		rest = rest[n:]
	}
}
