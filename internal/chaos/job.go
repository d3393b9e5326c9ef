//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"runtime"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/procpool/procpool"
)

// job is what a task is told.
type job struct {
	ID    uint64 // in its round
	Chunk int    // expected in its metadata; < 0: none
	Act   act
	Arg   int
	Pad   []byte
}

// done is what it answers.
type done struct {
	ID, Sum uint64
	Attempt int
	Nth     int // of its worker
	Pad     []byte
}

// act is what a task does.
type act uint8

const (
	actAnswer act = iota
	actSleep      // Arg microseconds
	actError
	actPanic
	actGoexit
	actRetire
	actBig   // Arg bytes in the answer
	actHang  // until its context ends
	actDeaf  // longer than anyone waits, whatever its context says
	actExit  // with code Arg
	actKill  // SIGKILL to itself
	actFault // SIGSEGV to itself
	actCrash // a panic that nobody recovers
	acts
)

var actNames = [acts]string{
	"answer", "sleep", "error", "panic", "goexit", "retire", "big", "hang", "deaf", "exit", "kill", "fault", "crash",
}

func (a act) deadly() bool { return a >= actExit }

// deafFor is longer than any Timeout and Grace here, and short enough that a goroutine which nobody can kill is gone when
// leaks are looked for.
const deafFor = 400 * time.Millisecond

var errPlanned = errors.New("planned")

func init() { procpool.RegisterError("chaos.planned", errPlanned) }

// marks counts the starts of each task, in memory that is shared by everyone: a byte for each. The goroutines of a pool that
// gave them up may read it while the next round sets it.
var marks atomic.Pointer[[]uint32]

// mark counts a start.
func mark(id uint64) { atomic.AddUint32(&(*marks.Load())[id/4], 1<<(id%4*8)) }

// starts returns how often a task has started.
func starts(id uint64) int {
	return int(atomic.LoadUint32(&(*marks.Load())[id/4]) >> (id % 4 * 8) & 0xff)
}

// checksum is what the answer to a task must have.
func checksum(id uint64, pad []byte) uint64 {
	return (id+1)*0x9e3779b97f4a7c15 ^ uint64(crc32.ChecksumIEEE(pad))
}

var task = procpool.Define("chaos.task", perform)

func perform(ctx context.Context, j job) (d done, err error) {
	mark(j.ID)
	info, _ := procpool.CurrentTask(ctx)
	worker, _ := procpool.CurrentWorker(ctx)
	if want := j.metadata()["chunk"]; info.Metadata["chunk"] != want {
		return d, fmt.Errorf("the metadata is %v, not %q", info.Metadata, want)
	}
	d = done{ID: j.ID, Sum: checksum(j.ID, j.Pad), Attempt: info.Attempt, Nth: worker.Tasks}
	switch j.Act {
	case actSleep:
		time.Sleep(time.Duration(j.Arg) * time.Microsecond)
	case actError:
		return done{}, fmt.Errorf("task %d: %w", j.ID, errPlanned)
	case actPanic:
		panic(j.ID)
	case actGoexit:
		runtime.Goexit()
	case actRetire:
		procpool.RetireWorker(ctx)
	case actBig:
		d.Pad = make([]byte, j.Arg)
	case actHang:
		<-ctx.Done()
		return done{}, ctx.Err()
	case actDeaf:
		time.Sleep(deafFor)
	default:
		j.die()
	}
	return d, nil
}

func (j *job) die() {
	switch j.Act {
	case actExit:
		fmt.Println("task", j.ID, "exits")
		os.Exit(j.Arg)
	case actKill:
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	case actFault:
		syscall.Kill(os.Getpid(), syscall.SIGSEGV)
		select {}
	case actCrash:
		go panic(j.ID)
		select {}
	}
}

func (j *job) metadata() map[string]string {
	if j.Chunk < 0 {
		return nil
	}
	return map[string]string{"chunk": strconv.Itoa(j.Chunk)}
}
