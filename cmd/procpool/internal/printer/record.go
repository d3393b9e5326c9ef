package printer

import (
	"bytes"
	"encoding/json"
	"errors"
	"time"

	"github.com/procpool/procpool"
	"github.com/procpool/procpool/cmd/procpool/internal/insight"
	"github.com/procpool/procpool/cmd/procpool/internal/items"
	"github.com/procpool/procpool/cmd/procpool/internal/mapper"
	"github.com/procpool/procpool/cmd/procpool/internal/value"
)

// record is what is told of an item in JSON.
type record struct {
	Index    int             `json:"index"` // from 0
	Input    any             `json:"input"`
	Output   json.RawMessage `json:"output,omitempty"`
	Error    *failure        `json:"error,omitempty"`
	Worker   string          `json:"worker,omitempty"`
	Attempt  int             `json:"attempt,omitempty"`
	Queued   *time.Time      `json:"queued,omitempty"`
	Started  *time.Time      `json:"started,omitempty"`
	Finished *time.Time      `json:"finished,omitempty"`
}

// failure is the error of a record.
type failure struct {
	Cause   string `json:"cause"`
	Message string `json:"message"`
	Type    string `json:"type,omitempty"`
	Stack   string `json:"stack,omitempty"`
	Stderr  string `json:"stderr,omitempty"`
}

// record prints a record.
func (p *Printer) record(r *mapper.Result, a insight.Attempt) {
	rec := record{Index: r.Item.Index, Input: p.input(&r.Item)}
	if r.Err == nil {
		rec.Output, r.Err = value.AppendJSON(nil, r.Output)
	}
	if r.Err != nil {
		rec.Output, rec.Error = nil, describe(r.Err)
	}
	if r.ID != 0 {
		rec.took(r, a)
	}
	b := bytes.NewBuffer(p.out)
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	if err := e.Encode(rec); err != nil {
		panic(err) // no value of this type fails
	}
	p.out = b.Bytes()
}

// input is the item as it was given: JSON as it stands, if it is.
func (p *Printer) input(it *items.Item) any {
	if p.Format == items.JSON && json.Valid([]byte(it.Text)) {
		return json.RawMessage(it.Text)
	}
	return it.Text
}

func (rec *record) took(r *mapper.Result, a insight.Attempt) {
	rec.Worker, rec.Attempt = a.Worker, a.Number
	rec.Queued = &r.Queued
	rec.Started, rec.Finished = known(a.Started), known(a.Finished)
}

func known(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func describe(err error) *failure {
	f := &failure{Cause: cause(err), Message: reason(err)}
	if e, ok := errors.AsType[*procpool.TaskError](err); ok {
		f.Type, f.Message, f.Stack = e.Type, e.Message, e.Stack
	}
	if e, ok := errors.AsType[*procpool.WorkerError](err); ok {
		f.Stderr = e.Stderr
	}
	return f
}
