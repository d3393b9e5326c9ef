//go:build unix

package main

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// terminal is a session of tmux with a server of its own.
type terminal struct {
	t   *testing.T
	dir string // where its socket is
}

func newTerminal(t *testing.T, command string) *terminal {
	t.Helper()
	if _, err := exec.LookPath("tmux"); err != nil {
		t.Skip("a terminal needs tmux: ", err)
	}
	term := &terminal{t, t.TempDir()}
	term.do("-f", "/dev/null", "new-session", "-d", "-x", "100", "-y", "24", command)
	t.Cleanup(func() { term.tmux("kill-server").Run() })
	return term
}

// tmux is a command to the server. The socket has no path, which could be too long for one, and the shell is the same for
// everybody.
func (term *terminal) tmux(args ...string) *exec.Cmd {
	cmd := exec.Command("tmux", append([]string{"-S", "tmux"}, args...)...)
	cmd.Dir = term.dir
	cmd.Env = append(cmd.Environ(), "SHELL=/bin/sh")
	return cmd
}

func (term *terminal) do(args ...string) string {
	term.t.Helper()
	out, err := term.tmux(args...).CombinedOutput()
	if err != nil {
		term.t.Fatalf("tmux %s: %v\n%s", args, err, out)
	}
	return string(out)
}

// await looks at the screen until it shows all the texts: nothing tells when a terminal has changed.
func (term *terminal) await(texts ...string) string {
	term.t.Helper()
	deadline := time.After(patient)
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	for {
		screen := term.do("capture-pane", "-p")
		missing := ""
		for _, text := range texts {
			if !strings.Contains(screen, text) {
				missing = text
			}
		}
		if missing == "" {
			return screen
		}
		select {
		case <-look.C:
		case <-deadline:
			term.t.Fatalf("the screen does not show %q:\n%s", missing, screen)
		}
	}
}

// On a terminal there is a bar below the results, never among them, and Ctrl-C says how to go on.
func TestTerminal(t *testing.T) {
	dir := t.TempDir()
	in, log := filepath.Join(dir, "in"), filepath.Join(dir, "log")
	put(t, in, "0.1\n0.2\nsoon\n"+strings.Repeat("0.5\n", 6)+strings.Repeat("3.01\n", 91)) // more than the screen is waited for
	cmd := command(t, "map")
	run := "env " + asCommand + "=1 " + cmd.Path + " map -p 2 --max-tasks-per-child 2 --log " + log + " sleep " + in
	term := newTerminal(t, "trap : INT; "+run+"; echo exit code $?; read wait") // Ctrl-C is for the shell, too

	screen := term.await("/100", "items/s", "2/2 busy", "1 failed", "recycled", "item 3: ")
	if !strings.Contains(screen, "\n0.2\nprocpool: item 3: ") && !strings.Contains(screen, "0.1\n") {
		t.Errorf("results and messages are mixed with the bar:\n%s", screen)
	}
	term.do("send-keys", "C-c")
	screen = term.await("stopping when the running items are done", "interrupted, ", "map --resume -p 2", "exit code 130")
	if strings.Contains(screen, "items/s") {
		t.Errorf("the bar is left:\n%s", screen)
	}
	for line := range strings.Lines(screen) {
		if strings.HasPrefix(line, "0.") && len(strings.TrimSpace(line)) > 4 {
			t.Errorf("a result is not alone on its line: %q\n%s", line, screen)
		}
	}
	t.Log(screen)
}
