//go:build go1.27

package process

const runtimeKnown = false
