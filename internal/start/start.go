// Package start is how this repository's packages make start methods of their own.
package start

// Program is a worker program that speaks the protocol, and starts nothing before its lifeline is bound.
type Program struct {
	Prefix string // of the workers' names
	Path   string
	Args   []string
	Err    error // why it cannot be started; told by New
}
