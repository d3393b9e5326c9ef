package procpool

import (
	"context"
	"fmt"
	"hash/fnv"
	"runtime"
	"strconv"
	"sync"

	"github.com/procpool/procpool/internal/child"
	"github.com/procpool/procpool/internal/codec"
	"github.com/procpool/procpool/internal/queue"
	"github.com/procpool/procpool/internal/wire"
)

// registry is what this program can run: the same in a pool and in its workers, as package-level variables are initialized
// in the same order in both.
var registry struct {
	mu      sync.Mutex
	program child.Program
	known   map[string]bool
	serving bool // WorkerMain has been called
}

// claimName panics if a definition comes too late, or its name cannot be used.
func claimName(kind, name string) {
	switch {
	case name == "":
		panic("procpool: " + kind + " without a name: give each one a name of its own")
	case registry.serving:
		panic(fmt.Sprintf("procpool: %s %q is defined after WorkerMain, where workers do not know it: define it in a package-level variable", kind, name))
	case registry.known[kind+name]:
		panic(fmt.Sprintf("procpool: %s %q is defined twice: give each one a name of its own", kind, name))
	}
	if registry.known == nil {
		registry.known = map[string]bool{}
	}
	registry.known[kind+name] = true
}

// Define names a function that worker processes can run. Call it in a package-level variable, so that the pool's process
// and its workers know the same tasks. A duplicate or empty name, or a call after WorkerMain, panics with a message that
// says what to change.
//
// Arguments and results cross as CBOR. What may be sent is what github.com/fxamacker/cbor/v2 can encode: numbers,
// strings, slices, maps, structs with exported fields, and so on, but no channels or functions; up to 1 GiB encoded.
func Define[In, Out any](name string, fn func(context.Context, In) (Out, error)) Task[In, Out] {
	registry.mu.Lock()
	defer registry.mu.Unlock()
	claimName("task", name)
	t := Declare[In, Out](name)
	in, out := t.core.in, t.core.out
	registry.program.Tasks = append(registry.program.Tasks, child.Task{
		Name: name,
		Run: func(ctx context.Context, payload, buf []byte) (begin, rest []byte, err error) {
			var arg In
			if err := in.DecodeRef(payload, &arg); err != nil {
				return buf, nil, fmt.Errorf("%w: %w", child.ErrArgument, err)
			}
			res, err := fn(ctx, arg)
			if err != nil {
				return buf, nil, err
			}
			buf, rest, err = out.AppendRef(buf, &res)
			if err != nil {
				err = fmt.Errorf("%w: %w", child.ErrResult, err)
			}
			return buf, rest, err
		},
	})
	return t
}

// Define2 is Define for a function of two arguments. Map over Args2 is Python's starmap.
func Define2[A, B, Out any](name string, fn func(context.Context, A, B) (Out, error)) Task[Args2[A, B], Out] {
	return Define(name, func(ctx context.Context, in Args2[A, B]) (Out, error) { return fn(ctx, in.A, in.B) })
}

// Define3 is Define for a function of three arguments.
func Define3[A, B, C, Out any](name string, fn func(context.Context, A, B, C) (Out, error)) Task[Args3[A, B, C], Out] {
	return Define(name, func(ctx context.Context, in Args3[A, B, C]) (Out, error) { return fn(ctx, in.A, in.B, in.C) })
}

// Declare names a task whose function lives in the worker program only: a Python worker, another Go program. It registers
// nothing, and may be called at any time, any number of times, also for a defined name.
func Declare[In, Out any](name string) Task[In, Out] {
	core := &taskCore[In, Out]{name: name, in: codec.For[In](), out: codec.For[Out]()}
	core.plain.task = queue.Task{Name: name, Spread: core.in.Spread()}
	return Task[In, Out]{core: core}
}

// DefineInitializer names a function that each worker runs once before its first task. It may return a cleanup, which
// runs before a planned exit. Like Define, it belongs into a package-level variable.
func DefineInitializer[Arg any](name string, fn func(context.Context, Arg) (cleanup func(), err error)) InitializerDef[Arg] {
	registry.mu.Lock()
	defer registry.mu.Unlock()
	claimName("initializer", name)
	c := codec.For[Arg]()
	registry.program.Initializers = append(registry.program.Initializers, child.Initializer{
		Name: name,
		Run: func(ctx context.Context, payload []byte) (func(), error) {
			var arg Arg
			if err := c.Decode(payload, &arg); err != nil {
				return nil, fmt.Errorf("argument of initializer %q: %w", name, err)
			}
			return fn(ctx, arg)
		},
	})
	return InitializerDef[Arg]{name}
}

// DeclareInitializer names an initializer that lives in the worker program only.
func DeclareInitializer[Arg any](name string) InitializerDef[Arg] { return InitializerDef[Arg]{name} }

// InitializerDef is a named initializer that takes an Arg.
type InitializerDef[Arg any] struct{ name string }

// Bind gives the initializer its argument, for Config.Initializer. An argument that cannot be encoded is told by New.
func (d InitializerDef[Arg]) Bind(arg Arg) Initializer {
	payload, err := codec.For[Arg]().Append(nil, &arg)
	return Initializer{name: d.name, arg: payload, err: err}
}

// Initializer is what each worker runs once before its first task, replacements included. The zero value is none.
type Initializer struct {
	name string
	arg  []byte
	err  error
}

// program returns what this process can run.
func program() child.Program {
	registry.mu.Lock()
	defer registry.mu.Unlock()
	p := registry.program
	p.Fingerprint = fingerprint(&p)
	p.Describe = describe
	return p
}

// fingerprint is equal for programs whose numbers of tasks mean the same.
func fingerprint(p *child.Program) string {
	h := fnv.New64a()
	h.Write([]byte(runtime.Version()))
	for _, t := range p.Tasks {
		h.Write([]byte("\x00" + t.Name))
	}
	for _, i := range p.Initializers {
		h.Write([]byte("\x01" + i.Name))
	}
	return strconv.Itoa(wire.Version) + "-" + strconv.FormatUint(h.Sum64(), 16)
}
