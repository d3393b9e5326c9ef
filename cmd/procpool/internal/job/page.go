package job

import (
	"context"
	"fmt"

	"github.com/procpool/procpool/dashboard"
)

// show serves the page of the pool, if it is wanted, until hide is called.
func (j *job) show() (hide func(), err error) {
	if j.Dashboard == "" {
		return func() {}, nil
	}
	l, err := dashboard.Listen(j.Dashboard)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(j.stderr, "procpool: dashboard: http://%s\n", l.Addr())
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { // ends at hide, which waits for it
		defer close(done)
		if err := dashboard.Serve(ctx, l, j.pool); err != nil {
			fmt.Fprintf(j.stderr, "procpool: %v\n", err)
		}
	}()
	return func() { cancel(); <-done }, nil
}
