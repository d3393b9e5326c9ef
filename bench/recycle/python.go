package main

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"
)

//go:embed pool.py
var poolPy []byte

// contender measures a cell.
type contender struct {
	name    string
	measure func(cell) (figures, error)
}

func contenders(python string) []contender {
	all := []contender{{"procpool", measurePool}}
	if path, err := exec.LookPath(python); err == nil && python != "" {
		for _, method := range []string{"fork", "spawn"} {
			all = append(all, contender{"Python " + method, func(c cell) (figures, error) { return measurePython(path, method, c) }})
		}
	}
	return all
}

// measurePython measures a cell with CPython's Pool. The program is a file, since spawn imports it.
func measurePython(python, method string, c cell) (f figures, err error) {
	dir, err := os.MkdirTemp("", "recycle-")
	if err != nil {
		return f, err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "pool.py")
	if err := os.WriteFile(file, poolPy, 0o600); err != nil {
		return f, err
	}
	seconds := func(d time.Duration) string { return fmt.Sprint(d.Seconds()) }
	cmd := exec.Command(python, file, method, seconds(c.Start), strconv.Itoa(c.Limit), strconv.Itoa(c.Load), seconds(c.Time), seconds(taskTime), seconds(patience))
	cmd.Stderr = os.Stderr
	text, err := cmd.Output()
	if err != nil {
		return f, fmt.Errorf("%s: %w", python, err)
	}
	var m struct {
		Rate, P50, P99 float64
		Least          bool
	}
	if err := json.Unmarshal(text, &m); err != nil {
		return f, err
	}
	return figures{m.Rate, time.Duration(m.P50 * 1e9), time.Duration(m.P99 * 1e9), m.Least}, nil
}
