//go:build unix && !linux

package main

import "os"

// parentOf would return a process's parent; here the pool is trusted.
func parentOf(int) int { return os.Getpid() }

func resident() int { return 0 }
