// Package job is one run of `procpool map`, from the opened input to the exit code.
package job

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/procpool/procpool"
	"github.com/procpool/procpool/cmd/procpool/internal/insight"
	"github.com/procpool/procpool/cmd/procpool/internal/items"
	"github.com/procpool/procpool/cmd/procpool/internal/mapper"
	"github.com/procpool/procpool/cmd/procpool/internal/printer"
	"github.com/procpool/procpool/cmd/procpool/internal/progress"
	"github.com/procpool/procpool/cmd/procpool/internal/resume"
	"github.com/procpool/procpool/cmd/procpool/internal/settings"
	"github.com/procpool/procpool/event"
	"github.com/procpool/procpool/internal/codec"
)

// Options say what is to be done.
type Options struct {
	Settings   settings.Pool // with the start method
	Task       string
	Filter     bool // the workers are line filters
	Files      []string
	Format     items.Format
	Unordered  bool
	JSON       bool
	KeepFailed string
	Log        string
	Resume     bool
	Progress   progress.When
	Stats      bool
	Dashboard  string // where its page is served; empty: nowhere
}

// Exit codes.
const (
	AllSucceeded = 0
	SomeFailed   = 1
	WrongUsage   = 2
	CouldNotRun  = 3
	Interrupted  = 130
)

// Error is an error with the exit code that it leads to. Without Err, all has been said.
type Error struct {
	Code int
	Err  error
}

// Error tells Err.
func (e *Error) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("exit code %d", e.Code)
	}
	return e.Err.Error()
}

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }

// usage makes an error one of usage.
func usage(err error) error {
	if err == nil {
		return nil
	}
	return &Error{WrongUsage, err}
}

// job is a run.
type job struct {
	Options
	screen  progress.Screen
	stderr  io.Writer
	quiet   hold // before stderr
	source  *items.Source
	log     *resume.Log // nil: none
	kept    *os.File    // nil: none
	ledger  *insight.Ledger
	profile *insight.Profile
	pool    *procpool.Pool
	mapper  *mapper.Mapper
	total   counter
}

// Run does the job. The error is an *Error, or nil if every item succeeded.
func Run(o Options) error {
	j := &job{Options: o}
	j.stderr = j.screen.Writer(os.Stderr)
	j.quiet.out = j.stderr
	defer j.close()
	if err := j.open(); err != nil {
		return usage(err)
	}
	if err := j.start(); err != nil {
		return err
	}
	defer j.pool.Terminate()
	hide, err := j.show()
	if err != nil {
		return usage(err)
	}
	defer hide()
	return j.run()
}

func (j *job) open() (err error) {
	if j.source, err = items.Open(j.Files, j.Format); err != nil {
		return err
	}
	if j.Resume && j.Log == "" {
		return errors.New("--resume needs --log FILE, the log of the earlier run")
	}
	if j.Log != "" {
		if j.log, err = resume.Open(j.Log, j.Resume); err != nil {
			return err
		}
	}
	if j.KeepFailed != "" {
		if j.kept, err = j.openKept(); err != nil {
			return err
		}
		j.source.Spill = items.SpillBeside(j.kept)
	}
	if j.resumes() {
		return mend(os.Stdout, '\n')
	}
	return nil
}

// resumes reports whether an earlier run goes on.
func (j *job) resumes() bool { return j.log != nil && j.log.Done().Len() > 0 }

func (j *job) openKept() (*os.File, error) {
	if err := j.notAnInput(j.KeepFailed); err != nil {
		return nil, err
	}
	if !j.resumes() {
		return os.Create(j.KeepFailed)
	}
	f, err := os.OpenFile(j.KeepFailed, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return nil, err
	}
	return f, mend(f, j.Format.End()[0])
}

// notAnInput protects the input from being overwritten.
func (j *job) notAnInput(path string) error {
	target, err := os.Stat(path)
	if err != nil {
		return nil // a new file
	}
	for _, f := range j.source.Files() {
		if info, err := f.Stat(); err == nil && os.SameFile(info, target) && target.Mode().IsRegular() {
			return fmt.Errorf("--keep-failed %s would overwrite the input: name another file", path)
		}
	}
	return nil
}

func (j *job) close() {
	if j.source != nil && j.mapper == nil { // else its reader may still be at it
		j.source.Close()
	}
	if j.log != nil {
		j.log.Close()
	}
	if j.kept != nil {
		j.kept.Close()
	}
}

// start starts the pool.
func (j *job) start() (err error) {
	c := j.Settings.Config
	c.Stdout, c.Stderr = &j.quiet, &j.quiet // standard output is for results
	c.OnEvent = j.observer()
	j.pool, err = procpool.New(c)
	if isStart(err) || errors.Is(err, errors.ErrUnsupported) {
		return &Error{CouldNotRun, err}
	}
	if err != nil {
		return usage(settings.Explain(err))
	}
	return nil
}

// observer returns what listens to the pool; nil if nobody needs to.
func (j *job) observer() func(event.Event) {
	if !j.JSON && !j.Stats {
		return nil
	}
	j.ledger = insight.NewLedger()
	if !j.Stats {
		return j.ledger.Note
	}
	j.profile = insight.NewProfile()
	return func(e event.Event) {
		j.ledger.Note(e)
		j.profile.Note(e)
	}
}

// run maps all items and tells how it went.
func (j *job) run() error {
	j.mapper = mapper.New(j.pool, mapper.Options{
		Task:   procpool.Declare[codec.Raw, codec.Raw](j.Task).With(j.Settings.Call),
		Format: j.Format, Window: j.Settings.Call.Window, Unordered: j.Unordered, FailFast: j.Settings.Call.FailFast,
	}, teller{j.printer(), j})
	if j.Progress != progress.Never && j.source.Countable() {
		go j.total.count(j.source) // ends with the files; nobody waits for it
	}
	shown := progress.Start(&j.screen, os.Stderr, j.Progress, j.state)
	signals := j.listen()
	go j.awaitReady() // ends when the workers are ready, or the pool has ended
	hint := j.hintAtBuffers()
	defer hint()
	err := j.mapper.Run(j.items)
	if err == nil {
		err = j.source.Err()
	}
	if err == nil {
		j.pool.Shutdown(signals.hard)
	} else {
		j.pool.Terminate()
	}
	shown.Stop()
	if !isStart(err) {
		j.quiet.release()
	}
	if j.Stats {
		j.profile.Print(j.stderr, j.pool.Stats())
	}
	return j.verdict(err, signals.end())
}

func (j *job) printer() *printer.Printer {
	p := printer.Options{
		JSON: j.JSON, Format: j.Format, Out: j.screen.Writer(os.Stdout), Errors: j.stderr,
		KeepFailed: j.kept, Log: j.log, Ledger: j.ledger, Profile: j.profile,
	}
	if info, err := os.Stdout.Stat(); err == nil && info.Mode().IsRegular() {
		p.Sync = os.Stdout.Sync
	}
	return &printer.Printer{Options: p}
}

// awaitReady ends the run as soon as it is known that workers cannot start, also when no item has come yet.
func (j *job) awaitReady() {
	err := j.pool.WaitReady(context.Background())
	if isStart(err) {
		j.mapper.Abort(err)
	} else if err == nil {
		j.quiet.release()
	}
}

func isStart(err error) bool {
	_, ok := errors.AsType[*procpool.StartError](err)
	return ok
}

// items yields what is to be mapped: without what the log holds.
func (j *job) items(yield func(items.Item, error) bool) {
	for it := range j.source.All {
		if j.log != nil {
			done, err := j.log.Done().Has(it.Index, it.Text)
			if err != nil {
				yield(it, usage(err))
				return
			}
			if done {
				continue
			}
		}
		if !yield(it, nil) {
			return
		}
	}
}
