// Package printer tells results: to standard output, failures to standard error, and then to the log.
package printer

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/procpool/procpool/cmd/procpool/internal/insight"
	"github.com/procpool/procpool/cmd/procpool/internal/items"
	"github.com/procpool/procpool/cmd/procpool/internal/mapper"
	"github.com/procpool/procpool/cmd/procpool/internal/resume"
	"github.com/procpool/procpool/cmd/procpool/internal/value"
)

// Options say where and how to print.
type Options struct {
	JSON       bool // a record for each item
	Format     items.Format
	Out        io.Writer
	Errors     io.Writer
	KeepFailed *os.File         // nil: nowhere
	Log        *resume.Log      // nil: none
	Sync       func() error     // makes what was written to Out durable; nil if that cannot be
	Ledger     *insight.Ledger  // knows how items were run; for JSON and Profile
	Profile    *insight.Profile // is told how; nil: nobody is
}

// Printer is a mapper's teller.
type Printer struct {
	Options
	out  []byte // whole lines that are not written
	errs []byte // lines about failures that are not written
	kept []byte // failed items that are not written
	done []mark // items that are not logged
}

// mark is how far output and log are with an item.
type mark struct{ out, log int }

// flushAt is how much is printed at a time.
const flushAt = 64 << 10

// Tell prints one result, sooner or later. A result that cannot be printed becomes a failure.
func (p *Printer) Tell(r *mapper.Result) error {
	var a insight.Attempt
	if p.Ledger != nil && r.ID != 0 {
		a = p.Ledger.Facts(r.ID)
		if p.Profile != nil {
			p.Profile.Told(&r.Item, a)
		}
	}
	if p.JSON {
		p.record(r, a)
	} else {
		p.line(r)
	}
	if r.Err != nil {
		if err := p.failure(r); err != nil {
			return err
		}
	}
	if p.Log != nil {
		noted := p.Log.Add(r.Item.Index, r.Item.Text, r.Err != nil)
		p.done = append(p.done, mark{len(p.out), noted})
	}
	if len(p.out)+len(p.errs)+len(p.kept) < flushAt {
		return nil
	}
	return p.Flush()
}

func (p *Printer) line(r *mapper.Result) {
	if r.Err != nil {
		return
	}
	out, err := value.AppendText(p.out, r.Output)
	if err != nil {
		r.Err = err
		return
	}
	p.out = append(out, '\n')
}

func (p *Printer) failure(r *mapper.Result) error {
	p.errs = fmt.Appendf(p.errs, "procpool: %s: %s\n", &r.Item, oneLine(reason(r.Err)))
	switch {
	case p.KeepFailed == nil:
		return nil
	case r.Item.Overflow != nil:
		return p.keepLong(r.Item.Overflow)
	}
	p.kept = append(append(p.kept, r.Item.Text...), p.Format.End()...)
	return nil
}

// keepLong keeps an item that is too long for memory, behind those that failed before it.
func (p *Printer) keepLong(o *items.Overflow) error {
	if err := p.keep(); err != nil {
		return err
	}
	if _, err := o.WriteTo(p.KeepFailed); err != nil {
		return keeping(err)
	}
	p.kept = append(p.kept, p.Format.End()...)
	return nil
}

// Flush prints what was told. Only what has been printed whole gets into the log.
func (p *Printer) Flush() error {
	if p.Log != nil {
		return errors.Join(p.complain(), p.keep(), p.commit())
	}
	var err error
	if len(p.out) > 0 {
		_, err = p.Out.Write(p.out)
		p.out = p.out[:0]
	}
	return errors.Join(err, p.complain(), p.keep())
}

// commit prints a few lines at a time and logs them at once, so that a kill makes few of them stand twice. That both
// outlive the machine is seen to at the end, the lines first.
func (p *Printer) commit() error {
	if len(p.done) == 0 {
		return nil
	}
	defer func() { p.out, p.done = p.out[:0], p.done[:0] }()
	left := p.done
	for from, noted := 0, 0; len(left) > 0; {
		to := from + whole(p.out[from:])
		if _, err := p.Out.Write(p.out[from:to]); err != nil {
			return err
		}
		logged := noted
		for len(left) > 0 && left[0].out <= to {
			noted, left = left[0].log, left[1:]
		}
		if err := p.Log.Write(noted - logged); err != nil {
			return err
		}
		from = to
	}
	if p.Sync != nil {
		if err := p.Sync(); err != nil {
			return err
		}
	}
	return p.Log.Sync()
}

// atomic is what a pipe takes whole or not at all, so that no line is torn by a kill: POSIX's PIPE_BUF on Linux.
const atomic = 4096

// whole returns how long a piece of whole lines to write at a time.
func whole(out []byte) int {
	if len(out) <= atomic {
		return len(out)
	}
	if n := bytes.LastIndexByte(out[:atomic], '\n'); n >= 0 {
		return n + 1
	}
	return bytes.IndexByte(out, '\n') + 1
}

func (p *Printer) complain() error {
	if len(p.errs) == 0 {
		return nil
	}
	_, err := p.Errors.Write(p.errs)
	p.errs = p.errs[:0]
	return err
}

func (p *Printer) keep() error {
	if len(p.kept) == 0 {
		return nil
	}
	_, err := p.KeepFailed.Write(p.kept)
	p.kept = p.kept[:0]
	if err == nil && p.Log != nil {
		err = p.KeepFailed.Sync()
	}
	return keeping(err)
}

func keeping(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("keeping failed items: %w", err)
}
