package leak

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// system adds processes, shared memory and descriptors. Descriptors come last: by then the runtime's poller has the
// descriptors of its own, which it makes when the first file is opened.
func system(now things, tmp string) {
	processes(now, tmp)
	mappings(now)
	descriptors(now)
}

// processes adds the children of this process, zombies too, and whoever else inherited tmp.
func processes(now things, tmp string) {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range stats {
		p, ok := readStat(path)
		if !ok || p.pid == os.Getpid() || p.parent != os.Getpid() && !hasTemp(p.pid, tmp) {
			continue
		}
		now[fmt.Sprint("process ", p.pid, " ", p.started)] = p.String()
	}
}

type process struct {
	pid, parent    int
	state, started string
	name           string
}

// readStat reads a proc_pid_stat(5). The name in it may hold spaces and parentheses, but nothing after it does.
func readStat(path string) (p process, ok bool) {
	stat, _ := os.ReadFile(path)
	open, end := strings.IndexByte(string(stat), '('), strings.LastIndexByte(string(stat), ')')
	if open < 0 || end < open {
		return p, false // it's gone
	}
	fields := strings.Fields(string(stat[end+1:]))
	if len(fields) < 20 {
		return p, false
	}
	p.name, p.state, p.started = string(stat[open+1:end]), fields[0], fields[19]
	p.pid, _ = strconv.Atoi(strings.TrimSpace(string(stat[:open])))
	p.parent, _ = strconv.Atoi(fields[1])
	return p, true
}

func (p process) String() string {
	if p.state == "Z" {
		return fmt.Sprintf("zombie %d (%s): nobody waited for it", p.pid, p.name)
	}
	line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", p.pid))
	command := strings.TrimSpace(strings.ReplaceAll(string(line), "\x00", " "))
	return fmt.Sprintf("process %d (%s), state %s, parent %d: %s", p.pid, p.name, p.state, p.parent, command)
}

// hasTemp reports whether the process has dir, or a directory in it, as its TMPDIR.
func hasTemp(pid int, dir string) bool {
	env, _ := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
	for entry := range strings.SplitSeq(string(env), "\x00") {
		if temp, ok := strings.CutPrefix(entry, "TMPDIR="); ok {
			return temp == dir || strings.HasPrefix(temp, dir+"/")
		}
	}
	return false
}

// mappings adds what is mapped shared: it stays after its descriptor was closed.
func mappings(now things) {
	maps, _ := os.ReadFile("/proc/self/maps")
	for line := range strings.Lines(string(maps)) {
		f := strings.Fields(line)
		if len(f) < 5 || !strings.HasSuffix(f[1], "s") {
			continue
		}
		what := strings.Join(append(f[5:], f[0]), " ")
		now["map "+what] = "shared memory " + what
	}
}

// descriptors adds the open ones, but not the one that lists them.
func descriptors(now things) {
	const dir = "/proc/self/fd/"
	entries, _ := os.ReadDir(dir)
	self := fmt.Sprintf("/proc/%d/fd", os.Getpid())
	for _, e := range entries {
		if target, err := os.Readlink(dir + e.Name()); err == nil && target != self {
			what := fmt.Sprintf("descriptor %s -> %s", e.Name(), target)
			now[what] = what
		}
	}
}

func threads() int {
	entries, _ := os.ReadDir("/proc/self/task")
	return len(entries)
}
