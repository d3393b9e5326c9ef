// Chaos runs tasks by the million through every form of the API while workers are killed, stopped, slowed, recycled and
// resized at random, and keeps a ledger: every accepted task resolves exactly once, no task starts twice without leave, every
// result is right, the pool's counters and events agree, nothing hangs, and nothing is left over.
//
//	go run ./internal/chaos -tasks 1000000 -seed 1
//
// It works in rounds, each with a pool of its own whose settings come from the seed; -round runs a single one again. The
// exit code is 1 if anything was violated. docs/reliability.md tells what is checked, and the figures.
package main
