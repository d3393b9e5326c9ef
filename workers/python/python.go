// Package python makes workers of Python programs. The module that they import is part of the Go program, so nothing
// needs installing but Python itself, 3.8 or later.
package python

import (
	"embed"
	"errors"
	"fmt"
	"strings"
	"sync"
)

// Options says what the workers serve. Exactly one of Script, Module and Function is set.
type Options struct {
	// Script is a file that is run as a program. It does "import procpool", decorates functions with @procpool.task, and
	// ends with procpool.serve().
	Script string
	// Module is imported, and what it decorated is served.
	Module string
	// Function is "file.py:name" or "module:name": the function need not be decorated. Several names are separated by
	// commas.
	Function string
	// Python is the interpreter. The default is "python3".
	Python string
	// Args are what the program finds in sys.argv[1:].
	Args []string
}

var errForm = errors.New("python: exactly one of Script, Module and Function must be set")

// command returns the program to start and its arguments.
func command(o Options) (path string, args []string, err error) {
	path = o.Python
	if path == "" {
		path = "python3"
	}
	form, err := o.form()
	if err != nil {
		return "", nil, err
	}
	args = append([]string{"-c", bootstrap()}, form...)
	return path, append(args, o.Args...), nil
}

func (o Options) form() ([]string, error) {
	var forms [][]string
	add := func(form, target string) {
		if target != "" {
			forms = append(forms, []string{form, target})
		}
	}
	add("--script", o.Script)
	add("--module", o.Module)
	add("--function", o.Function)
	if len(forms) != 1 {
		return nil, errForm
	}
	if o.Function != "" && !strings.Contains(o.Function, ":") {
		return nil, fmt.Errorf("python: Function is %q, want file.py:name or module:name", o.Function)
	}
	return forms[0], nil
}

//go:embed procpool/*.py
var files embed.FS

// The package itself comes after the modules that it imports.
var modules = []string{"cbor", "errors", "frames", "tasks", "link", "worker", "__init__", "start"}

// bootstrap returns a program that holds the whole package. It travels as an argument, so that no file is left behind
// anywhere, and makes "import procpool" work.
var bootstrap = sync.OnceValue(func() string {
	var b strings.Builder
	b.WriteString(loader)
	for _, name := range modules {
		source, err := files.ReadFile("procpool/" + name + ".py")
		if err != nil {
			panic(err)
		}
		full := strings.TrimSuffix("procpool."+name, ".__init__")
		fmt.Fprintf(&b, "load(%q, %q, %q)\n", full, "procpool/"+name+".py", source)
	}
	b.WriteString("sys.modules['procpool.start'].start(*sys.argv[1:])\n")
	return b.String()
})

const loader = `import sys

def load(name, file, source):
    module = sys.modules.setdefault(name, type(sys)(name))
    module.__package__ = "procpool"
    exec(compile(source, file, "exec"), module.__dict__)

sys.modules["procpool"] = type(sys)("procpool")
sys.modules["procpool"].__path__ = []
`
