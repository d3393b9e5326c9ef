package resume

import "fmt"

// Done is a set of finished items. Items finish nearly in order, so the memory it takes is in proportion to the gaps,
// besides four bytes of checksum for each item.
type Done struct {
	sums   []uint32         // of items 0, 1, 2, ...: all of them have finished
	beyond map[int]uint32   // finished items behind a gap
	failed map[int]struct{} // those that failed
}

func (d *Done) set(index int, sum uint32, failed bool) {
	if failed {
		if d.failed == nil {
			d.failed = map[int]struct{}{}
		}
		d.failed[index] = struct{}{}
	}
	if index < len(d.sums) {
		return
	}
	if d.beyond == nil {
		d.beyond = map[int]uint32{}
	}
	d.beyond[index] = sum
	for {
		sum, ok := d.beyond[len(d.sums)]
		if !ok {
			return
		}
		delete(d.beyond, len(d.sums))
		d.sums = append(d.sums, sum)
	}
}

// Len returns how many items have finished.
func (d *Done) Len() int { return len(d.sums) + len(d.beyond) }

// Failed returns how many of them failed.
func (d *Done) Failed() int { return len(d.failed) }

// Has reports whether an item has finished. It is an error if it was another item then.
func (d *Done) Has(index int, text string) (bool, error) {
	sum, ok := d.beyond[index]
	if index < len(d.sums) {
		sum, ok = d.sums[index], true
	}
	if ok && sum != checksum(text) {
		return false, fmt.Errorf("item %d is not the one that the log holds: is it another input, or has it changed?", index+1)
	}
	return ok, nil
}
