package process

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"sync"

	"golang.org/x/sys/unix"
)

// Cgroup is a control group (version 2) for one process and all that descends from it; only who may write to the cgroup
// tree can leave it. It is given to Start in a Spec, and removed when the process is reaped.
type Cgroup struct {
	path string
	dir  *os.File

	end   sync.Once
	kills uint64        // set before gone is closed
	gone  chan struct{} // closed once it is removed
}

// NewCgroup makes a cgroup below that of this process, or beside it where systemd has delegated the parent to us. With a
// limit, what is in it may use so many bytes of memory together, and is killed together when it wants more; 0 is no
// limit. Where this is not possible the error tells why and wraps errors.ErrUnsupported.
func NewCgroup(hardMemory uint64) (*Cgroup, error) {
	c, err := newCgroup(hardMemory)
	if err != nil {
		return nil, fmt.Errorf("cgroup: %w (%w)", err, errors.ErrUnsupported)
	}
	return c, nil
}

func newCgroup(hardMemory uint64) (*Cgroup, error) {
	own := ownCgroup()
	if own.v2 == "" {
		return nil, errors.New("no cgroup v2 is mounted for this process")
	}
	base := cgroupBase(own.v2)
	// A filter of system calls may pretend that there is no clone3, which starts processes in one. It takes no size of 0.
	if _, _, err := unix.RawSyscall(unix.SYS_CLONE3, 0, 0, 0); err != unix.EINVAL {
		return nil, fmt.Errorf("clone3: %w", err)
	}
	path, err := os.MkdirTemp(base, "procpool-")
	if err != nil {
		return nil, fmt.Errorf("%s may not be divided: %w", base, err)
	}
	c := &Cgroup{path: path, gone: make(chan struct{})}
	if err = c.limit(hardMemory); err == nil {
		c.dir, err = os.Open(path)
	}
	if err != nil {
		os.Remove(path)
		return nil, err
	}
	return c, nil
}

// confine makes the process a cgroup of its own if its memory is limited. Where that cannot be done, or the caller has
// chosen one, it does nothing: whoever limits memory must be able to do it in another way.
func (s *Spec) confine() {
	chosen := s.Attr != nil && s.Attr.UseCgroupFD
	if s.Limit > 0 && s.Cgroup == nil && !chosen {
		s.Cgroup, _ = NewCgroup(s.Limit)
	}
}

// cgroupBase returns where cgroups may be made: beside our own one if the parent was delegated to us, as systemd marks
// it, since a cgroup that holds processes cannot hand its controllers down; else below our own. Never anywhere else, as
// limits set for this process would no longer hold.
func cgroupBase(own string) string {
	parent := filepath.Dir(own)
	for _, mark := range []string{"user.delegate", "trusted.delegate"} {
		var value [1]byte
		if n, err := unix.Getxattr(parent, mark, value[:]); err == nil && n == 1 && value[0] == '1' {
			return parent
		}
	}
	return own
}

func (c *Cgroup) limit(bytes uint64) error {
	if bytes == 0 {
		return nil
	}
	if err := c.write("memory.max", strconv.FormatUint(bytes, 10)); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s hands no memory controller down: its cgroup.subtree_control lacks memory", filepath.Dir(c.path))
	} else if err != nil {
		return err
	}
	// The limit is on memory, not on memory and then as much swap; there is no such file where there is no swap.
	if err := c.write("memory.swap.max", "0"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return c.write("memory.oom.group", "1")
}

// write writes a control file. It never creates one: in a cgroup that is an error of its own kind.
func (c *Cgroup) write(name, value string) error {
	f, err := os.OpenFile(filepath.Join(c.path, name), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = f.WriteString(value)
	return err
}

// Events returns how many of its processes the kernel has killed for want of memory. It may be called at any time, also
// after the process has ended.
func (c *Cgroup) Events() (oomKills uint64, err error) {
	oomKills, err = c.oomKills()
	select {
	case <-c.gone:
		return c.kills, nil
	default:
		return oomKills, err
	}
}

func (c *Cgroup) oomKills() (uint64, error) {
	return counter(filepath.Join(c.path, "memory.events"), "oom_kill")
}

// Kill sends SIGKILL to everything in it. Not before Start: some kernels then kill also what is started in it later.
func (c *Cgroup) Kill() error {
	return c.write("cgroup.kill", "1") // since Linux 5.14
}

// End kills what is in it, waits until that has gone, and removes it. Start does so by itself; this is for one that was
// never given to Start.
func (c *Cgroup) End() { c.end.Do(c.remove) }

func (c *Cgroup) remove() {
	c.Kill()
	c.awaitEmpty() // one that holds processes cannot be removed
	c.kills, _ = c.oomKills()
	c.dir.Close()
	os.Remove(c.path)
	close(c.gone)
}

// patience is how long the end of a process waits for killed descendants that do not go: they hang in the kernel.
const patience = 1000 // ms

// awaitEmpty waits until no process is left, which the kernel tells through cgroup.events. It almost never has to.
func (c *Cgroup) awaitEmpty() {
	f, err := os.Open(filepath.Join(c.path, "cgroup.events"))
	if err != nil {
		return
	}
	defer f.Close()
	var buf [256]byte
	for {
		n, _ := f.ReadAt(buf[:], 0)
		if n == 0 || !bytes.Contains(buf[:n], []byte("populated 1")) {
			return
		}
		fds := []unix.PollFd{{Fd: int32(f.Fd()), Events: unix.POLLPRI}}
		if n, err := unix.Poll(fds, patience); n == 0 || (err != nil && err != unix.EINTR) {
			return
		}
	}
}
