//go:build unix

package main

import (
	"fmt"
	"os"
	"runtime"
	"syscall"
	"time"
)

// bareRoles are what this program is when a bare work starts it: a process that shares nothing with the pool.
var bareRoles = map[string]func(){
	"bare-echo": bareEcho,
	"bare-once": bareOnce,
}

// bareTask is the size of a bare task and of its answer.
const bareTask = 16

// The descriptors of a bare process.
const (
	bareIn  = 3
	bareOut = 4
)

// bareEcho answers until its input ends, in blocking calls on one thread.
func bareEcho() {
	runtime.LockOSThread()
	for b := make([]byte, bareTask); ; {
		if n, err := syscall.Read(bareIn, b); n != bareTask || err != nil {
			return
		}
		syscall.Write(bareOut, b)
	}
}

// bareOnce answers once, and leaves when its input ends, or at once if it has ended.
func bareOnce() {
	b := make([]byte, bareTask)
	syscall.Read(bareIn, b)
	syscall.Write(bareOut, b)
	syscall.Read(bareIn, b)
}

// bare is a process of this program with a pipe each way.
type bare struct {
	process *os.Process
	in, out *os.File
}

func startBare(role string) (*bare, error) {
	childIn, in, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	out, childOut, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	p, err := os.StartProcess("/proc/self/exe", []string{"bare", role}, &os.ProcAttr{
		Env:   append(os.Environ(), "GOMAXPROCS=1"), // as the pool's workers have it
		Files: []*os.File{os.Stdin, os.Stdout, os.Stderr, childIn, childOut},
	})
	childIn.Close()
	childOut.Close()
	return &bare{p, in, out}, err
}

// ask hands the process one task and takes its answer.
func (b *bare) ask() error {
	buf := make([]byte, bareTask)
	if _, err := b.in.Write(buf); err != nil {
		return err
	}
	_, err := b.out.Read(buf)
	return err
}

// end lets the process leave, and waits for it.
func (b *bare) end() error {
	b.in.Close()
	st, err := b.process.Wait()
	b.out.Close()
	if err == nil && !st.Success() {
		err = fmt.Errorf("bare process: %v", st)
	}
	return err
}

func init() {
	work("bare-pipe", barePipe)
}

// barePipe times round trips over a pair of pipes, in blocking calls on one thread at either end.
func barePipe(numbers []int) ([]float64, error) {
	b, err := startBare("bare-echo")
	if err != nil {
		return nil, err
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	in, out := int(b.in.Fd()), int(b.out.Fd()) // Fd makes them blocking
	buf := make([]byte, bareTask)
	begin := time.Now()
	for range numbers[0] {
		if _, err := syscall.Write(in, buf); err != nil {
			return nil, err
		}
		if _, err := syscall.Read(out, buf); err != nil {
			return nil, err
		}
	}
	r := rate(numbers[0], begin)
	return r, b.end()
}
