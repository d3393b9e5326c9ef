package progress

import (
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"
)

// Where nobody watches, a short run says nothing, a longer one a line now and then; and both say how far they came to who
// asked for it.
func TestLines(t *testing.T) {
	for _, c := range []struct {
		when  When
		takes time.Duration
		want  string
	}{
		{Auto, perLine - 1, ""},
		{Auto, 2*perLine + 1, "procpool: 3/5 items, 1/s, 3s left, 1/2 busy\nprocpool: 3/5 items, 0/s, 7s left, 1/2 busy\n"},
		{Always, time.Second, "procpool: 3/5 items, 3/s, 1s left, 1/2 busy\n"},
		{Never, time.Hour, ""},
	} {
		file := filepath.Join(t.TempDir(), "stderr")
		f, err := os.Create(file)
		if err != nil {
			t.Fatal(err)
		}
		synctest.Test(t, func(*testing.T) {
			p := Start(&Screen{}, f, c.when, func() State { return State{Done: 3, Total: 5, Busy: 1, Workers: 2} })
			time.Sleep(c.takes)
			p.Stop()
		})
		f.Close()
		if got, err := os.ReadFile(file); string(got) != c.want || err != nil {
			t.Errorf("%s, after %v: %q, %v; want %q", c.when, c.takes, got, err, c.want)
		}
	}
}
