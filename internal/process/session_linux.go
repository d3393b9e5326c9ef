package process

import (
	"bytes"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// killSession kills what has left the group but not the session. It comes after the leader is reaped, when the number
// is in use only by such leftovers, or by members of the group that are dying.
func (p *Process) killSession() {
	if !p.line.inUse(p.PID) {
		return
	}
	killed := make(map[int]bool)
	for p.killMembers(killed) {
	}
}

// killMembers kills the members of the session that are not killed yet, and reports whether there was one: it may have
// forked before it was hit, so that somebody has to look again.
func (p *Process) killMembers(killed map[int]bool) (found bool) {
	if sessionOf(p.PID) >= 0 {
		return false // a stranger has the number, which is free only once the session is empty
	}
	for _, pid := range processes() {
		if !killed[pid] && sessionOf(pid) == p.PID && killMember(pid, p.PID) {
			killed[pid], found = true, true
		}
	}
	return found
}

// killMember kills pid if it is in the session. It takes hold of the process before it looks at it once more, so that it
// never kills a stranger that has got the number meanwhile.
func killMember(pid, session int) bool {
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	return sessionOf(pid) == session && unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0) == nil
}

// processes lists all processes.
func processes() (pids []int) {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(-1)
	for _, name := range names {
		if pid, err := strconv.Atoi(name); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

// sessionOf returns the session of pid, zombies included, or -1 if there is no such process.
func sessionOf(pid int) int {
	var buf [512]byte
	stat := readProc(pid, "stat", buf[:])
	// "pid (name) state parent group session ...", where the name may hold anything.
	f := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(f) < 4 {
		return -1
	}
	session, err := strconv.Atoi(string(f[3]))
	if err != nil {
		return -1
	}
	return session
}

// readProc reads the beginning of a file of a process into buf; what could not be read is empty.
func readProc(pid int, name string, buf []byte) []byte {
	return readFile("/proc/"+strconv.Itoa(pid)+"/"+name, buf)
}

// readFile does so for any file of the kernel's. An os.File would do, but costs half as much again.
func readFile(path string, buf []byte) []byte {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	defer unix.Close(fd)
	done := 0
	for done < len(buf) {
		n, err := unix.Read(fd, buf[done:])
		if n <= 0 || err != nil {
			break
		}
		done += n
	}
	return buf[:done]
}
