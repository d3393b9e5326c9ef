// Package orphan kills parents, and looks for what they leave. It imports nothing of procpool, so that the tests of every
// kind of worker can use it.
package orphan

import "os"

// mark is in the environment of a parent that is to be killed, and of all its descendants, however many parents they have
// lost.
const mark = "PROCPOOL_ORPHAN_TEST"

// Parent reports whether this process is a parent that is to be killed.
func Parent() bool { return os.Getenv(mark) != "" }

// Begun is to be called by the parent when what matters begins. It prints a line, which must be its first.
func Begun() { os.Stdout.WriteString(begun) }

const begun = "begun\n"
