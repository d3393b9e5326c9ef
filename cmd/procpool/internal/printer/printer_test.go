package printer

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/procpool/procpool/cmd/procpool/internal/items"
	"github.com/procpool/procpool/cmd/procpool/internal/mapper"
)

// Failed items are kept in their order, also one that is too long for memory.
func TestKeepsWhatIsTooLong(t *testing.T) {
	dir := t.TempDir()
	in := filepath.Join(dir, "in")
	lines := "first\n" + strings.Repeat("too long ", 100_000) + "\nlast\n"
	if err := os.WriteFile(in, []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	source, err := items.Open([]string{in}, items.Lines)
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	source.Most = 100
	kept, err := os.Create(filepath.Join(dir, "kept"))
	if err != nil {
		t.Fatal(err)
	}
	defer kept.Close()
	source.Spill = items.SpillBeside(kept)
	var errs strings.Builder
	p := Printer{Options: Options{Out: io.Discard, Errors: &errs, KeepFailed: kept}}
	for it := range source.All {
		if err := p.Tell(&mapper.Result{Item: it, Err: io.ErrUnexpectedEOF}); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Flush(); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(kept.Name()); string(got) != lines {
		t.Errorf("kept %d bytes of %d: %.40q, %v", len(got), len(lines), got, err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 2 {
		t.Errorf("files are left: %v", left)
	}
}
