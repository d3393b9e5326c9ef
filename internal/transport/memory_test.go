package transport

import (
	"io"
	"testing"
	"testing/synctest"
	"time"
)

// The waits of both sides hold in fake time.
func TestMemoryInFakeTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p, _ := NewMemory()
		start := time.Now()
		if n, err := leadOf(c, make([]byte, 9), time.Hour); n != 0 || err != nil || time.Since(start) != time.Hour {
			t.Errorf("Lead = %d, %v after %v", n, err, time.Since(start))
		}
		go func() {
			io.Copy(io.Discard, recvReader(p.Recv))
			time.Sleep(time.Minute) // a slow worker
			p.Send([]byte("bye"), nil)
			p.Close()
		}()
		c.calls.close(io.EOF, true)
		if got, err := recvAll(recvOf(c), 9); string(got) != "bye" || err != io.EOF {
			t.Errorf("got %q, %v", got, err)
		}
		if spent := time.Since(start); spent != time.Hour+time.Minute {
			t.Error(spent)
		}
	})
}

type recvReader func([]byte) (int, error)

func (r recvReader) Read(p []byte) (int, error) { return r(p) }
