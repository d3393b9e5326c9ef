package main

import (
	"strings"
)

// complaint is an error as it is told: the command's name, then what is wrong.
func complaint(err error) string {
	return "procpool: " + strings.TrimPrefix(strings.TrimSpace(err.Error()), "procpool: ")
}
