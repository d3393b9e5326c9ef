// Package house holds the tests of how the code is laid out: who may import whom, and how long a file may be.
package house
