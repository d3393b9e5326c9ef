//go:build !go1.27

package process

// runtimeKnown reports whether it is known which descriptors Go's runtime uses from any thread: in Go 1.26 an epoll and an
// eventfd (runtime/netpoll_epoll.go). Before a later version is let in here, look there.
const runtimeKnown = true
