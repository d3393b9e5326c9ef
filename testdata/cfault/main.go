// Command cfault is a worker whose tasks fault in C.
package main

/*
#include <stdlib.h>
#include <stdio.h>
static int deref(int *p) { return *p; }
static void give_up(void) { fputs("about to abort\n", stderr); abort(); }
static int divide(int a, volatile int b) { return a / b; }
*/
import "C"

import (
	"context"
	"unsafe"

	"github.com/procpool/procpool"
)

var (
	_ = procpool.Define("segv", func(context.Context, int) (int, error) {
		return int(C.deref((*C.int)(unsafe.Pointer(uintptr(8))))), nil
	})
	_ = procpool.Define("abort", func(context.Context, int) (int, error) { C.give_up(); return 0, nil })
	_ = procpool.Define("fpe", func(_ context.Context, n int) (int, error) { return int(C.divide(C.int(n), 0)), nil })
	_ = procpool.Define("fine", func(_ context.Context, n int) (int, error) { return n, nil })
)

func main() { procpool.WorkerMain() }
