package main

import (
	_ "embed"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

//go:embed peers/python/pool.py
var poolScript []byte

// interpreter is a CPython, or why there is none.
type interpreter struct {
	path, version string
	script        string
	err           error
}

// findPython returns the given CPython, or the newest one that is found.
func findPython(path string) interpreter {
	candidates := []string{path}
	if path == "" {
		candidates, _ = filepath.Glob("/root/.pyenv/versions/*/bin/python3")
		candidates = append(candidates, "python3")
	}
	newest := interpreter{err: errors.New("there is no python3")}
	for _, c := range candidates {
		out, err := exec.Command(c, "-c", "import platform; print(platform.python_version())").Output()
		if v := strings.TrimSpace(string(out)); err == nil && (newest.err != nil || newer(v, newest.version)) {
			newest = interpreter{path: c, version: v}
		}
	}
	return newest
}

// newer compares versions like 3.9.18 and 3.13.0.
func newer(a, b string) bool {
	as, bs := strings.Split(a, "."), strings.Split(b, ".")
	for i := range min(len(as), len(bs)) {
		x, _ := strconv.Atoi(as[i])
		y, _ := strconv.Atoi(bs[i])
		if x != y {
			return x > y
		}
	}
	return len(as) > len(bs)
}

// install writes the script to where CPython's spawn can import it again.
func (p *interpreter) install(dir string) error {
	p.script = filepath.Join(dir, "pool.py")
	return os.WriteFile(p.script, poolScript, 0o644)
}
