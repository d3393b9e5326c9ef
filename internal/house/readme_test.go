package house

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
)

// The program on the README's first screen is whole, runs, and prints what its comment says.
func TestReadmeProgram(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	program := regexp.MustCompile("(?s)```go\n(.*?)```").FindSubmatch(readme)
	if program == nil {
		t.Fatal("README.md has no program")
	}
	prints := regexp.MustCompile("// prints (.*)\n").FindSubmatch(program[1])
	if prints == nil {
		t.Fatal("the program in README.md does not say what it prints")
	}
	file := filepath.Join(t.TempDir(), "main.go")
	if err := os.WriteFile(file, program[1], 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("go", "run", file).CombinedOutput()
	if want := string(prints[1]) + "\n"; err != nil || string(out) != want {
		t.Errorf("the program in README.md printed %q, %v; want %q", out, err, want)
	}
}
