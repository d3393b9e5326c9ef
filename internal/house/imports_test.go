package house

import (
	"encoding/json"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/procpool/procpool"

// root is the room of the package that users import.
const root = ""

// floors are the rooms, the ground floor first.
var floors = [][]string{
	{"internal/item"},
	{"event", "internal/wire", "internal/codec", "internal/histogram", "internal/start", "internal/leak", "internal/orphan", "internal/house"},
	{"internal/queue", "internal/lifecycle", "internal/process", "internal/transport"},
	{"internal/supervisor", "internal/child", "internal/lines"},
	{root},
	{"workers", "pooltest", "observe", "dashboard", "remote", "internal/conform", "internal/chaos"},
	{"cmd", "examples", "bench"},
}

// libraries are what the root package and internal/ may use beside the standard library.
var libraries = []string{
	"golang.org/x/sys/",            // system calls that package syscall lacks
	"github.com/fxamacker/cbor/v2", // the codec
	"github.com/x448/float16",      // which needs it
}

// outside are the packages that reach the operating system, and the rooms that may import each.
var outside = map[string][]string{
	"os/exec":                  {"internal/process"},
	"os/signal":                {"internal/process", "internal/child"},
	"golang.org/x/sys/unix":    {"internal/process", "internal/transport", "internal/child"},
	"golang.org/x/sys/windows": {"internal/process", "internal/transport", "internal/child"},
	"syscall":                  {"internal/process", "internal/transport", "internal/child", root}, // root: types in its API
}

// heavy are packages whose initialisation, or that of what they import, takes long. Package testing stands for whatever
// is meant for tests.
var heavy = []string{
	"net", "net/http", "crypto/tls", "encoding/gob", "encoding/json", "regexp", "text/template", "html/template", "testing",
}

// aside are rooms of internal/ that no program is linked with which uses the pool: leak and orphan, because nothing but
// tests may depend on package testing, and conform and chaos, because they stand above the root.
var aside = []string{"internal/leak", "internal/orphan", "internal/conform", "internal/chaos"}

// rules are what holds for the imports of every package that is not a test, and why. The broken one is an example.
var rules = []struct {
	name, why string
	check     func(pkg) []string // what it must not import, and does
	broken    pkg
}{
	{
		"GoDown",
		"a room imports only rooms of lower floors: a call walks down one line of doors, and each room can be tested and replaced alone",
		upward,
		pkg{ImportPath: module + "/internal/queue", Imports: []string{module + "/internal/process"}},
	}, {
		"StandOnAFloor",
		"a room without a place in floors could be imported by anyone",
		homeless,
		pkg{ImportPath: module + "/internal/util"},
	}, {
		"TransportKnowsNoProtocol",
		"transport moves bytes and must not learn what they mean, or the two could not change apart",
		protocol,
		pkg{ImportPath: module + "/internal/transport", Imports: []string{module + "/internal/wire"}},
	}, {
		"FewLibraries",
		"users of the pool take on what it depends on; what serves one audience lives in observe, dashboard, cmd or remote",
		foreign,
		pkg{ImportPath: module, Deps: []string{"go.uber.org/goleak"}},
	}, {
		"OneRoomPerOutsideWorld",
		"all other rooms run in tests without processes, and another operating system is a matter of one room",
		worldly,
		pkg{ImportPath: module + "/internal/supervisor", Imports: []string{"os/exec"}},
	}, {
		"LightStart",
		"the packages a program imports initialise in each of its workers, before the first task",
		slow,
		pkg{ImportPath: module, Deps: []string{"encoding/gob"}},
	},
}

func TestImports(t *testing.T) {
	for _, goos := range []string{"linux", "darwin", "windows"} {
		all := list(t, goos)
		for _, r := range rules {
			t.Run(goos+"/"+r.name, func(t *testing.T) {
				for _, p := range all {
					for _, path := range r.check(p) {
						t.Errorf("%s imports %s: %s", p.ImportPath, path, r.why)
					}
				}
			})
		}
	}
}

// A rule that finds nothing may have forgotten how to look.
func TestRulesBite(t *testing.T) {
	for _, r := range rules {
		if len(r.check(r.broken)) != 1 {
			t.Errorf("%s says nothing about %+v", r.name, r.broken)
		}
	}
}

// pkg is what `go list` tells of a package of ours. Its test files play no part: tests may import what they like.
type pkg struct {
	ImportPath string
	Imports    []string // by its own files
	Deps       []string // and by what it imports, and so on
}

// list lists our packages as built for an operating system. `go test` would not see that what `go list` read has changed,
// and show an old result; but TestFilesStayShort opens the same files itself, and that it sees.
func list(t *testing.T, goos string) []pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports,Deps", "./...")
	cmd.Env = append(os.Environ(), "GOOS="+goos, "CGO_ENABLED=0")
	cmd.Dir = "../.."
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v\n%s", cmd, err, &stderr)
	}
	var all []pkg
	for d := json.NewDecoder(strings.NewReader(string(out))); d.More(); {
		var p pkg
		if err := d.Decode(&p); err != nil {
			t.Fatalf("%v: %v", cmd, err)
		}
		all = append(all, p)
	}
	return all
}

// room returns the room that a package is in; ok is false if it is none of ours.
func room(path string) (name string, ok bool) {
	if path == module {
		return root, true
	}
	rest, ok := strings.CutPrefix(path, module+"/")
	name, below, _ := strings.Cut(rest, "/")
	if name == "internal" {
		below, _, _ = strings.Cut(below, "/")
		name += "/" + below
	}
	return name, ok
}

func floor(room string) int {
	return slices.IndexFunc(floors, func(rooms []string) bool { return slices.Contains(rooms, room) })
}

// core reports whether it is the root package or one of internal/.
func core(p pkg) bool {
	name, _ := room(p.ImportPath)
	return name == root || strings.HasPrefix(name, "internal/")
}

func upward(p pkg) []string {
	from, _ := room(p.ImportPath)
	return filter(p.Imports, func(path string) bool {
		to, ours := room(path)
		return ours && to != from && floor(to) >= floor(from)
	})
}

func homeless(p pkg) []string {
	name, _ := room(p.ImportPath)
	return filter([]string{"from a room on no floor, " + name}, func(string) bool { return floor(name) < 0 })
}

func protocol(p pkg) []string {
	from, _ := room(p.ImportPath)
	return filter(p.Imports, func(path string) bool {
		return from == "internal/transport" && path == module+"/internal/wire"
	})
}

func foreign(p pkg) []string {
	return filter(p.Deps, func(path string) bool {
		_, ours := room(path)
		known := ours || standard(path) || slices.ContainsFunc(libraries, func(l string) bool { return strings.HasPrefix(path, l) })
		return core(p) && !known
	})
}

// standard reports whether the path is of the standard library: its first part has no dot.
func standard(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return !strings.Contains(first, ".")
}

func worldly(p pkg) []string {
	from, _ := room(p.ImportPath)
	return filter(p.Imports, func(path string) bool {
		rooms, guarded := outside[path]
		return core(p) && guarded && !slices.Contains(rooms, from) && !slices.Contains(aside, from)
	})
}

func slow(p pkg) []string {
	name, _ := room(p.ImportPath)
	return filter(p.Deps, func(path string) bool {
		return core(p) && !slices.Contains(aside, name) && slices.Contains(heavy, path)
	})
}

func filter(paths []string, bad func(string) bool) (found []string) {
	for _, path := range paths {
		if bad(path) {
			found = append(found, path)
		}
	}
	return found
}

func TestRoom(t *testing.T) {
	for path, want := range map[string]string{
		module:                          root,
		module + "/event":               "event",
		module + "/internal/wire":       "internal/wire",
		module + "/observe/poollog":     "observe",
		module + "/internal/wire/inner": "internal/wire",
	} {
		if got, ok := room(path); got != want || !ok {
			t.Errorf("room(%q) = %q, %v; want %q", path, got, ok, want)
		}
	}
	if _, ok := room("internal/poll"); ok {
		t.Error("a room of the standard library is taken for ours")
	}
}
