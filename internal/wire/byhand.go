package wire

import (
	"math"
	"slices"

	"github.com/fxamacker/cbor/v2"

	"github.com/procpool/procpool/internal/item"
)

// What a worker reads and writes before its first task does not go through the library, which has to look at each type first: for
// that a new process touches code and memory for the first time, and it takes a twentieth of a life of one task.
//
// Both write and read the very bytes that the library makes. What is not as usual is the library's.

// byHand encodes the message, or returns nil.
func (m *MessageHello) byHand() []byte {
	if m.Version < 0 || m.Window < 0 {
		return nil
	}
	e := encoder{b: make([]byte, 1, 512)}
	e.key("version")
	e.b = item.AppendHead(e.b, item.Uint, uint64(m.Version))
	e.key("language")
	e.b = item.AppendText(e.b, m.Language)
	e.key("tasks")
	e.list(m.Tasks)
	if len(m.Initializers) > 0 {
		e.key("initializers")
		e.list(m.Initializers)
	}
	if m.Fingerprint != "" {
		e.key("fingerprint")
		e.b = item.AppendText(e.b, m.Fingerprint)
	}
	if len(m.Codecs) > 0 {
		e.key("codecs")
		e.list(m.Codecs)
	}
	if m.Window > 0 {
		e.key("window")
		e.b = item.AppendHead(e.b, item.Uint, uint64(m.Window))
	}
	if m.Dumps {
		e.key("dumps")
		e.b = append(e.b, item.True)
	}
	if m.Fenced {
		e.key("fenced")
		e.b = append(e.b, item.True)
	}
	e.b[0] = item.Map<<5 | e.pairs
	return e.b
}

// encoder appends the pairs of a map with fewer than 24 of them, whose head has room at the beginning.
type encoder struct {
	b     []byte
	pairs byte
}

func (e *encoder) key(key string) {
	e.pairs++
	e.b = item.AppendText(e.b, key)
}

func (e *encoder) list(all []string) {
	if all == nil {
		e.b = append(e.b, item.Null)
		return
	}
	e.b = item.AppendHead(e.b, item.Array, uint64(len(all)))
	for _, s := range all {
		e.b = item.AppendText(e.b, s)
	}
}

// byHand decodes the message, or reports false and leaves it as it was.
func (m *MessageSetup) byHand(body []byte) bool {
	major, info, pairs, n := item.Head(body)
	var seen [6]string
	if n == 0 || major != item.Map || info == item.Indefinite || pairs > uint64(len(seen)) {
		return false
	}
	var v MessageSetup
	d := decoder{b: body[n:]}
	for i := range seen[:pairs] {
		key := d.text()
		switch key {
		case "version":
			v.Version = d.number()
		case "name":
			v.Name = d.text()
		case "initializer":
			v.Initializer = d.text()
		case "fingerprint":
			v.Fingerprint = d.text()
		case "limit":
			v.Limit = d.number()
		case "arg":
			v.Arg = d.rest()
		default:
			d.odd = true
		}
		d.odd = d.odd || slices.Contains(seen[:i], key)
		seen[i] = key
	}
	if d.odd || len(d.b) > 0 {
		return false
	}
	*m = v
	return true
}

// decoder takes items off the front of b, until one is not as usual.
type decoder struct {
	b   []byte
	odd bool
}

func (d *decoder) number() int {
	major, info, v, n := item.Head(d.b)
	if n == 0 || major != item.Uint || info == item.Indefinite || v > math.MaxInt {
		d.odd = true
		return 0
	}
	d.b = d.b[n:]
	return int(v)
}

func (d *decoder) text() string {
	major, info, size, n := item.Head(d.b)
	if n == 0 || major != item.Text || info == item.Indefinite || size > uint64(len(d.b)-n) {
		d.odd = true
		return ""
	}
	end := n + int(size)
	s := string(d.b[n:end])
	d.b = d.b[end:]
	return s
}

// rest takes all that is left, if that is one item.
func (d *decoder) rest() (all cbor.RawMessage) {
	d.odd = d.odd || decMode.Unmarshal(d.b, &all) != nil
	d.b = nil
	return all
}
