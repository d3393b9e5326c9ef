package process

import (
	"bytes"
	"syscall"
)

// fatal are the signals by which the kernel, or the program itself, ends a program that is broken.
var fatal = map[string]syscall.Signal{
	"SIGSEGV": syscall.SIGSEGV, "SIGABRT": syscall.SIGABRT, "SIGBUS": syscall.SIGBUS, "SIGILL": syscall.SIGILL,
	"SIGFPE": syscall.SIGFPE, "SIGTRAP": syscall.SIGTRAP, "SIGSYS": sigsys,
}

// Fatal reports whether a signal tells that the program is broken, rather than that somebody wants it to end.
func Fatal(sig syscall.Signal) bool {
	for _, s := range fatal {
		if s == sig {
			return true
		}
	}
	return false
}

// Killed reports whether it was SIGKILL.
func Killed(sig syscall.Signal) bool { return sig == syscall.SIGKILL }

// FatalIn finds the first fatal signal in the text that a language's runtime wrote about its own end; 0 if there is none.
func FatalIn(text []byte) (sig syscall.Signal) {
	first := len(text)
	for name, s := range fatal {
		if i := bytes.Index(text, []byte(name)); i >= 0 && i < first {
			first, sig = i, s
		}
	}
	return sig
}
