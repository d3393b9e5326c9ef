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

// leaves is how long a program that is told to stop has, and how long its output may stay open after its end.
const leaves = time.Second

// run runs the program and returns what it printed. It stays in the worker's process group, so that whatever is left of
// it ends with the worker.
func run(ctx context.Context, item string) (string, error) {
	words := template.fill(item)
	cmd := exec.CommandContext(ctx, words[0], words[1:]...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = leaves
	err := cmd.Run()
	if ctx.Err() != nil {
		procpool.RetireWorker(ctx) // the program's own children may be left
		return "", ctx.Err()
	}
	if errors.Is(err, exec.ErrWaitDelay) { // something in the background has the output still
		err = nil
	}
	return strings.TrimSuffix(out.String(), "\n"), err
}
