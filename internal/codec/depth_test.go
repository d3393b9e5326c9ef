package codec

import "testing"

type (
	node struct {
		Value int
		Next  *node
		Tags  []int
	}
	child struct {
		Name   string
		Parent *child `cbor:"-"`
	}
	ring   []ring
	loop   map[string]loop
	within struct{ *within }
)

// chain returns n nodes in a row.
func chain(n int) (first *node) {
	for range n {
		first = &node{n, first, []int{1}}
	}
	return first
}

func TestCyclic(t *testing.T) {
	const want = "it is cyclic or nested deeper than 1000"
	self := &node{}
	self.Next = self
	list := ring{nil}
	list[0] = list
	table := loop{}
	table["self"] = table
	embedded := within{}
	embedded.within = &embedded
	var box any
	box = &box
	anything := map[string]any{}
	anything["self"] = []any{anything}

	t.Run("pointer", refuses(self, want))
	t.Run("value", refuses(*self, want))
	t.Run("slice", refuses(list, want))
	t.Run("map", refuses(table, want))
	t.Run("embedded", refuses(embedded, want))
	t.Run("interface", refuses(box, want))
	t.Run("any", refuses[any](anything, want))
	t.Run("field", refuses(hidden{B: self}, want))
	t.Run("arguments", refuses(Args2[int, any]{1, anything}, want))
	t.Run("too long", refuses(chain(maxDepth+1), want))
}

func TestDeep(t *testing.T) {
	t.Run("deepest", roundTrip(chain(maxDepth)))
	t.Run("slices", roundTrip(ring{{}, {{}}, nil}))
	t.Run("maps", roundTrip(loop{"a": {"b": nil}}))
	t.Run("embedded", roundTrip(within{}))

	parent := &child{Name: "parent"}
	parent.Parent = parent
	if b := encode(t, *parent); len(b) == 0 {
		t.Error("a field that is not encoded counts")
	}
}

// Bytes that nest deeper than any value of ours do not overflow the stack either.
func TestDeepBytes(t *testing.T) {
	src := make([]byte, 1<<20)
	for i := range src {
		src[i] = 0x81
	}
	t.Run("any", fails[any](src, "exceeded max nested level"))
	t.Run("slices", fails[ring](src, "exceeded max nested level"))
	t.Run("unknown field", fails[node](append([]byte{0xa1, 0x61, 'x'}, src...), "exceeded max nested level"))
}
