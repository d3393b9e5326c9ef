package process

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
)

// OOMKills returns how many processes the kernel has killed for want of memory so far, counted as near to this process
// as possible: in its cgroup, else in the whole machine. A worker that died by SIGKILL while the number grew was probably
// one of them. It reports false where nobody counts.
func OOMKills() (n uint64, ok bool) {
	n, err := counter(oomCounter(), "oom_kill")
	return n, err == nil
}

// oomCounter is the file that counts, looked for once: it is read while a task waits for its error.
var oomCounter = sync.OnceValue(func() string {
	own := ownCgroup()
	for _, file := range []string{join(own.v2, "memory.events"), join(own.v1, "memory.oom_control"), "/proc/vmstat"} {
		if _, err := counter(file, "oom_kill"); err == nil {
			return file
		}
	}
	return ""
})

// counter reads a number from a file of lines "name number".
func counter(file, name string) (uint64, error) {
	var buf [16 << 10]byte
	for line := range bytes.Lines(readFile(file, buf[:])) {
		if number, ok := bytes.CutPrefix(line, []byte(name+" ")); ok {
			return strconv.ParseUint(string(bytes.TrimSpace(number)), 10, 64)
		}
	}
	return 0, fmt.Errorf("%s has no %s", file, name)
}

// join returns "", which no file has as its name, if dir is "".
func join(dir, name string) string {
	if dir == "" {
		return ""
	}
	return filepath.Join(dir, name)
}

// cgroups are the directories of the cgroups in which a process is; empty: none.
type cgroups struct {
	v2 string
	v1 string // of the memory controller
}

// ownCgroup is where this process was when it first asked.
var ownCgroup = sync.OnceValue(func() cgroups {
	groups, _ := os.ReadFile("/proc/self/cgroup")
	mounts, _ := os.ReadFile("/proc/self/mountinfo")
	return findCgroups(string(groups), string(mounts))
})

// findCgroups puts together what /proc/self/cgroup says, paths in each hierarchy, and /proc/self/mountinfo, where the
// hierarchies are mounted.
func findCgroups(groups, mounts string) (c cgroups) {
	for line := range strings.Lines(groups) {
		f := strings.SplitN(strings.TrimSuffix(line, "\n"), ":", 3) // number:controllers:path
		if len(f) != 3 {
			continue
		}
		switch {
		case f[0] == "0" && f[1] == "":
			c.v2 = mounted(mounts, "cgroup2", "", f[2])
		case contains(f[1], "memory"):
			c.v1 = mounted(mounts, "cgroup", "memory", f[2])
		}
	}
	return c
}

// mounted returns where path of a hierarchy is seen in the file system, or "" if it is not.
func mounted(mounts, kind, controller, path string) string {
	for line := range strings.Lines(mounts) {
		// "id parent device root mountpoint options [more ...] - kind source options"
		left, right, _ := strings.Cut(line, " - ")
		at, what := strings.Fields(left), strings.Fields(right)
		if len(at) < 5 || len(what) < 3 || what[0] != kind || (controller != "" && !contains(what[2], controller)) {
			continue
		}
		root, mountpoint := strings.TrimSuffix(at[3], "/"), at[4]
		if rest, ok := strings.CutPrefix(path, root); ok && (rest == "" || rest[0] == '/') {
			return filepath.Join(mountpoint, rest)
		}
	}
	return ""
}

// contains reports whether word is one of the words of a list with commas.
func contains(list, word string) bool {
	return strings.Contains(","+list+",", ","+word+",")
}
