package supervisor

import (
	"sync"
	"testing"
	"testing/synctest"
)

// One at a time has it, whether he tried or waited, and everybody who waits gets it.
func TestDuty(t *testing.T) {
	var d duty
	d.have()
	if d.try() {
		t.Fatal("two have it")
	}
	d.give()
	const each = 2000
	count := 0 // owned by who has the duty: the race detector looks, too
	var group sync.WaitGroup
	for i := range 4 {
		group.Go(func() {
			for n := 0; n < each; {
				if i%2 == 0 && !d.try() {
					continue
				} else if i%2 == 1 {
					d.take(nil)
				}
				count++
				n++
				d.give()
			}
		})
	}
	group.Wait()
	if count != 4*each {
		t.Errorf("it was had %d times, want %d", count, 4*each)
	}
	if !d.try() {
		t.Error("nobody has it, and it cannot be had")
	}
}

// Who waits is let go when it is over.
func TestDutyOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d duty
		d.have()
		over, left := make(chan struct{}), make(chan bool)
		go func() { left <- d.take(over) }() // ends when it is over
		synctest.Wait()
		close(over)
		if <-left {
			t.Error("it was given, though who has it keeps it")
		}
	})
}
