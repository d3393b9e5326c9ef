package bench

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
)

//go:embed pool.py
var script string

// python measures multiprocessing.Pool, if the interpreter is there.
func python(ctx context.Context, o Options) (*figures, string) {
	if o.Python == "" {
		return nil, ""
	}
	// The workers are started afresh and import the program, so it needs a file.
	f, err := os.CreateTemp("", "procpool-bench-*.py")
	if err != nil {
		return nil, ""
	}
	defer os.Remove(f.Name())
	f.WriteString(script)
	f.Close()
	out, err := exec.CommandContext(ctx, o.Python, f.Name(), fmt.Sprint(o.Processes), fmt.Sprint(o.Each.Seconds())).Output()
	if err != nil {
		return nil, ""
	}
	var answer struct {
		figures
		Name string
	}
	if json.Unmarshal(out, &answer) != nil {
		return nil, ""
	}
	return &answer.figures, answer.Name
}
