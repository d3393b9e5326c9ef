package main

import (
	"debug/buildinfo"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"strings"
)

func cores() int { return runtime.NumCPU() }

// describeMachine tells what the figures hold for.
func describeMachine() string {
	return fmt.Sprintf("%s, %d processors, %s of memory; %s; %s; load %s when it began (a quiet machine has less than 0.5)",
		find("/proc/cpuinfo", `model name\s*: (.*)`, "unknown processor"), cores(),
		find("/proc/meminfo", `MemTotal:\s*(.*)`, "unknown size"),
		find("/proc/version", `^(\S+ version \S+)`, runtime.GOOS), runtime.Version(),
		find("/proc/loadavg", `^(\S+)`, "unknown"))
}

// find returns the first group of a pattern in a file.
func find(file, pattern, otherwise string) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return otherwise
	}
	m := regexp.MustCompile("(?m)" + pattern).FindSubmatch(text)
	if m == nil {
		return otherwise
	}
	return strings.TrimSpace(string(m[1]))
}

// pluginVersion returns which go-plugin a program was built with.
func pluginVersion(program string) string {
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		return "unknown"
	}
	for _, d := range info.Deps {
		if d.Path == "github.com/hashicorp/go-plugin" {
			return d.Version
		}
	}
	return "unknown"
}
