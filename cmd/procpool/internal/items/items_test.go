package items

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func source(t *testing.T, f Format, contents ...string) *Source {
	t.Helper()
	var paths []string
	for i, text := range contents {
		path := filepath.Join(t.TempDir(), string(rune('a'+i)))
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	s, err := Open(paths, f)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func texts(s *Source) (all []string) {
	for it := range s.All {
		all = append(all, it.Text)
	}
	return all
}

func TestFormats(t *testing.T) {
	long := strings.Repeat("long", 50_000)
	for _, c := range []struct {
		name   string
		format Format
		files  []string
		want   []string
	}{
		{"lines", Lines, []string{"a\n\nb\n"}, []string{"a", "", "b"}},
		{"without an end", Lines, []string{"a\nb", "c"}, []string{"a", "b", "c"}},
		{"empty", Lines, []string{"", ""}, nil},
		{"longer than any buffer", Lines, []string{long + "\n" + long}, []string{long, long}},
		{"carriage returns stay", Lines, []string{"a\r\nb"}, []string{"a\r", "b"}},
		{"null", Null, []string{"a\nb\x00c\x00"}, []string{"a\nb", "c"}},
		{"json", JSON, []string{"1\n\n \n{}\n"}, []string{"1", "{}"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := source(t, c.format, c.files...)
			n, ok := s.Count()
			if got := texts(s); !slices.Equal(got, c.want) || s.Err() != nil {
				t.Errorf("got %.100q, %v", got, s.Err())
			}
			if !ok || c.format != JSON && n != len(c.want) {
				t.Errorf("counted %d, %v", n, ok)
			}
		})
	}
}

// An item over the limit is told, its neighbours are not touched, and the line numbers go on. If it is wanted, it is kept.
func TestTooLong(t *testing.T) {
	for _, c := range []struct{ text, long string }{
		{"abc\n" + strings.Repeat("x", 100_000) + "\ndef\n", strings.Repeat("x", 100_000)},
		{"abc\n" + strings.Repeat("x", 1<<16) + "\ndef\n", strings.Repeat("x", 1<<16)},
		{"abc\ndefgh\ndef", "defgh"},
		{"abc\ndef\nabcd", "abcd"},
		{"abc\ndef\n" + strings.Repeat("y", 200_000), strings.Repeat("y", 200_000)},
	} {
		for _, spill := range []string{"", t.TempDir()} {
			s := source(t, Lines, c.text)
			s.Most, s.Spill = 3, spill
			all := slices.Collect(s.All)
			i := slices.IndexFunc(all, func(it Item) bool { return it.Err != nil })
			if len(all) != 3 || i < 0 || all[2].Place.Line != 3 || s.Err() != nil {
				t.Errorf("%.20q: got %+v, %v", c.text, all, s.Err())
				continue
			}
			if want := fmt.Sprintf("it has %d bytes, more than the limit of 3", len(c.long)); all[i].Err.Error() != want || all[i].Text != "" {
				t.Errorf("%.20q: got %v, want %s", c.text, all[i].Err, want)
			}
			for j, it := range all {
				if want := strings.Split(c.text, "\n")[j]; j != i && (it.Text != want || it.Err != nil || it.Overflow != nil) {
					t.Errorf("%.20q: its neighbour is %+v", c.text, it)
				}
			}
			if (all[i].Overflow != nil) != (spill != "") {
				t.Errorf("kept: %v, wanted: %v", all[i].Overflow != nil, spill != "")
			} else if spill != "" {
				var b strings.Builder
				if n, err := all[i].Overflow.WriteTo(&b); b.String() != c.long || int(n) != len(c.long) || err != nil {
					t.Errorf("%.20q: %d bytes came back: %.20q, %v", c.text, n, &b, err)
				}
				if left, _ := os.ReadDir(spill); len(left) > 0 {
					t.Errorf("%v is left", left)
				}
			}
		}
	}
}

// What cannot be kept ends the input: nothing is lost quietly.
func TestNowhereToSpill(t *testing.T) {
	s := source(t, Lines, "abc\nabcd\nabc\n")
	s.Most, s.Spill = 3, filepath.Join(t.TempDir(), "none")
	if got := texts(s); len(got) != 1 || !errors.Is(s.Err(), os.ErrNotExist) {
		t.Errorf("got %q, %v", got, s.Err())
	}
}

func TestMissing(t *testing.T) {
	dir := t.TempDir()
	if _, err := Open([]string{filepath.Join(dir, "none")}, Lines); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
	if _, err := Open([]string{dir}, Lines); err == nil || !strings.Contains(err.Error(), "is a directory") {
		t.Errorf("directory: %v", err)
	}
}

func TestNames(t *testing.T) {
	for want, it := range map[string]Item{
		"item 3":          {Index: 2, Place: Place{Line: 3}},
		"item 3 (line 7)": {Index: 2, Place: Place{Line: 7}},
		"item 3 (b:1)":    {Index: 2, Place: Place{File: "b", Line: 1}},
	} {
		if it.String() != want {
			t.Errorf("got %v, want %s", &it, want)
		}
	}
}
