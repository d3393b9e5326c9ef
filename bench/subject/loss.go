//go:build unix

package main

import (
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/procpool/procpool"
	"github.com/procpool/procpool/event"
)

func init() {
	work("loss", func(n []int) ([]float64, error) { return loss(n[0], true) })
	work("loss-in-a-row", func(n []int) ([]float64, error) { return loss(n[0], false) })
	work("bare-loss", bareLoss)
}

// pidLines hands on the process numbers that tasks print.
type pidLines chan int

func (l pidLines) Write(p []byte) (int, error) {
	var pid int
	if _, err := fmt.Sscan(string(p), &pid); err == nil {
		l <- pid
	}
	return len(p), nil
}

// loss kills n workers in their tasks: each when the one before has been replaced, or while it is. It returns median and 99th
// percentile from SIGKILL to the task's error, in µs.
func loss(n int, replaced bool) ([]float64, error) {
	pids, ready := make(pidLines, 1), make(chan struct{}, cores()+n)
	p, err := open(procpool.Config{Processes: cores(), Stdout: pids, OnEvent: func(e event.Event) {
		if _, ok := e.(event.WorkerReady); ok {
			ready <- struct{}{}
		}
	}})
	if err != nil {
		return nil, err
	}
	defer p.Terminate()
	for range cores() - 1 {
		<-ready
	}
	var took []float64
	for range n {
		if replaced {
			<-ready
		}
		r := hang.ApplyAsync(background, p, 0)
		pid := <-pids
		begin := time.Now()
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			return nil, err
		}
		_, err := r.Get(background)
		took = append(took, time.Since(begin).Seconds()*1e6)
		if lost := (*procpool.WorkerError)(nil); !errors.As(err, &lost) {
			return nil, fmt.Errorf("a task whose worker was killed gave %w", err)
		}
	}
	return []float64{percentile(took, 50), percentile(took, 99)}, nil
}

// bareLoss is from SIGKILL of a bare process to the return of a wait for it.
func bareLoss(n []int) ([]float64, error) {
	var took []float64
	for range n[0] {
		b, err := startBare("bare-echo")
		if err == nil {
			err = b.ask()
		}
		if err != nil {
			return nil, err
		}
		begin := time.Now()
		b.process.Kill()
		b.process.Wait()
		took = append(took, time.Since(begin).Seconds()*1e6)
		b.in.Close()
		b.out.Close()
	}
	return []float64{percentile(took, 50), percentile(took, 99)}, nil
}
