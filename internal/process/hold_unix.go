//go:build linux || darwin

package process

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

const holder = "/bin/sh"

// hold returns how to start a shell that reads a line from its last descriptor and then becomes the program, without that
// descriptor. It gets the line when the lifeline is bound. If we die before, it reads the end, and ends.
func hold(path string, argv []string, last int) (shell string, args []string) {
	script := fmt.Sprintf(`read -r PROCPOOL_BOUND <&%d && exec "$0" "$@" %d<&-`, last, last)
	return holder, append([]string{holder, "-c", script, path}, argv[1:]...)
}

// holdable reports whether there is a shell, and a program for it. If not, the kernel tells what is wrong more clearly. Below
// /proc, paths mean something else to a shell: /proc/self/exe is this program, which waits by itself if it is a worker. And
// a program gets its environment as given, which a shell does not hand on whole.
func (s *Spec) holdable(path string, env []string) bool {
	if !filepath.IsAbs(path) {
		path = filepath.Join(s.Dir, path)
	}
	info, err := os.Stat(path)
	return (s.Attr == nil || s.Attr.Chroot == "") && err == nil && !info.IsDir() && !strings.HasPrefix(path, "/proc/") &&
		!strings.HasPrefix(path, "/dev/fd/") && !slices.ContainsFunc(env, changed) &&
		unix.Access(path, unix.X_OK) == nil && unix.Access(holder, unix.X_OK) == nil &&
		s.Lifeline()+1 <= 9 // a shell knows no more by their numbers
}

// changed reports whether a shell would drop a variable of its environment, as its name is none for a shell, or set it to
// something else. It may also correct PWD.
func changed(kv string) bool {
	name, _, _ := strings.Cut(kv, "=")
	switch name {
	case "IFS", "OPTIND", "PPID", "UID", "EUID":
		return true
	}
	digit := func(c rune) bool { return '0' <= c && c <= '9' }
	other := func(c rune) bool { return !digit(c) && c != '_' && (c|0x20 < 'a' || c|0x20 > 'z') }
	return name == "" || digit(rune(name[0])) || strings.ContainsFunc(name, other)
}

// leash gives the child the read end of a pipe, and returns the write end.
func (d *descriptors) leash() (*os.File, error) {
	r, w, err := pipe()
	if err != nil {
		return nil, fmt.Errorf("pipe for the shell: %w", err)
	}
	d.add(r)
	return os.NewFile(uintptr(w), "leash"), nil
}
