//go:build unix

package supervisor

import "syscall"

const sigsys = syscall.SIGSYS
