package items

import (
	"errors"
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

// An item over the limit is told, its neighbours are not touched, and the line numbers go on.
func TestTooLong(t *testing.T) {
	for _, text := range []string{"abc\n" + strings.Repeat("x", 100_000) + "\ndef\n", "abc\ndefgh\ndef", "abc\ndef\nabcd"} {
		s := source(t, Lines, text)
		s.most = 3
		long, last := 0, Item{}
		for it := range s.All {
			if it.Err != nil {
				long++
				var e *InputError
				if !errors.As(it.Err, &e) || it.Text != "" {
					t.Errorf("got %q, %v", it.Text, it.Err)
				}
			}
			last = it
		}
		if long != 1 || last.Index != 2 || last.Place.Line != 3 {
			t.Errorf("%.20q: %d were too long, the last is %+v", text, long, last)
		}
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
