//go:build unix

package process

import "syscall"

const sigsys = syscall.SIGSYS
