package house

import (
	"bytes"
	"io/fs"
	"os"
	"strings"
	"testing"
)

// maxLines is the length at which a file has more than one subject and wants to become two.
const maxLines = 400

func TestFilesStayShort(t *testing.T) {
	house := os.DirFS("../..")
	err := fs.WalkDir(house, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := fs.ReadFile(house, path)
		if n := bytes.Count(text, []byte("\n")); n > maxLines {
			t.Errorf("%s has %d lines, more than %d: cut it where its subjects meet", path, n, maxLines)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
