package main

import (
	"fmt"
	"os"
	"strings"
)

// parentOf returns a process's parent; 0 if it is gone.
func parentOf(pid int) (parent int) {
	stat, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if end := strings.LastIndexByte(string(stat), ')'); end >= 0 {
		fmt.Sscanf(string(stat[end+1:]), " %c %d", new(rune), &parent)
	}
	return parent
}

// resident returns how much memory this process has.
func resident() int {
	var size, pages int
	text, _ := os.ReadFile("/proc/self/statm")
	fmt.Sscan(string(text), &size, &pages)
	return pages * os.Getpagesize()
}
