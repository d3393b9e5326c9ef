//go:build !unix

package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "subject: worker processes are not supported on this system")
	os.Exit(2)
}
