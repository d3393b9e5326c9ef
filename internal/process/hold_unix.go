//go:build linux || darwin

package process

import (
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// holder reads no more of a file that cannot be rewound than a line.
const holder = "/bin/sh"

// hold returns how to start a shell that reads a line and then becomes the program. It is to be sent that line when the
// lifeline is bound. If we die before, the shell reads the end, and ends.
func hold(path string, argv []string) (shell string, args []string) {
	return holder, append([]string{holder, "-c", `read -r bound && exec "$0" "$@"`, path}, argv[1:]...)
}

// holdable reports whether there is a shell, and a program for it. If not, the kernel tells what is wrong more clearly.
func (s *Spec) holdable(path string) bool {
	if !filepath.IsAbs(path) {
		path = filepath.Join(s.Dir, path)
	}
	info, err := os.Stat(path)
	return (s.Attr == nil || s.Attr.Chroot == "") && err == nil && !info.IsDir() &&
		unix.Access(path, unix.X_OK) == nil && unix.Access(holder, unix.X_OK) == nil
}
